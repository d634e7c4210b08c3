"""Lips meet where the template's do: in the neutral, in every shape, and mouthClose over jawOpen.

A fit sees the seam of the lips a few pixels high and leaves it a ragged slit, and shapes that were
fitted alone no longer undo each other. In a pose, a place on the lower lip is as far from the
upper lip, along the normal between the two, as it is on the template; where the template parts
them, the person may differ the more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien_training.head import Template
from mien_training.rendering.noise import smoothstep
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["LipSeam", "fit_lips"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_SEAM_M = 0.003
"""Places of the lips that lie so near each other in the template's neutral make the seam."""
_REACH_M = 0.009
"""Skin so far from the seam follows it no more."""
_FREE_M = 0.006
"""Lips that the template parts by d may differ by d^2 / this."""
_OPEN_M = 0.004
"""Lips that are farther apart than this, on average along the seam, are held open on purpose."""
_SPREADS_M = (0.004, 0.002, 0.001)
"""Standard deviations over which a correction is shared along the lips, from coarse to fine."""
_ROUNDING_M = 1e-6
_OVER = {"mouthClose": "jawOpen"}
"""Shapes that correct another are looked at on top of it."""


@dataclass(frozen=True, eq=False)
class LipSeam:
    """Where the lips of a template meet, and what goes along when they are moved."""

    upper: Int64Array
    """(N,) vertices of the upper lip."""
    lower: Int64Array
    """(N,) the vertices of the lower lip that they lie on; each once."""
    soft: Int64Array
    """(S,) skin and mouth lining around the seam."""
    follow: Float64Array
    """(S,) how much of a correction each takes, falling from 1 at the seam to 0."""
    is_lower: Float64Array
    """(S,) share in 0..1 of the lower lip's correction that it takes; the rest is the upper's."""
    share: tuple[Float64Array, ...]
    """(S, N) weights of the seam's places for each of the spreads; rows sum to 1."""

    @classmethod
    def of(cls, template: Template) -> LipSeam | None:
        """None for a template whose lips are not told apart."""
        pair = next((p for p in contact_pairs(template) if p.name == "lips"), None)
        if pair is None or "jawOpen" not in template.shape_names:
            return None
        v = template.vertices.astype(np.float64)
        above, below = np.flatnonzero(pair.first), np.flatnonzero(pair.second)
        apart, nearest = (np.asarray(x) for x in cKDTree(v[above]).query(v[below]))
        lower, upper = below[apart < _SEAM_M], above[nearest[apart < _SEAM_M]]
        if len(lower) < 3:
            return None
        regions = template.regions
        lining = (regions["skin"] | regions["mouthCavity"]) & ~regions["teeth"]
        lining &= ~regions["tongue"] & ~regions["eyes"]
        seam = v[np.append(upper, lower)]
        away = np.asarray(cKDTree(seam).query(v)[0])
        soft = np.flatnonzero(lining & (away < _REACH_M))
        follow = 1.0 - smoothstep(0.0, _REACH_M, away[soft].astype(np.float32))
        opened = template.shape_deltas[template.shape_names.index("jawOpen")]
        swing = np.linalg.norm(opened, axis=1)
        part = swing[soft] / np.median(swing[lower])
        share = []
        square = cKDTree(v[soft]).sparse_distance_matrix(cKDTree(v[lower]), np.inf).toarray() ** 2
        for spread in _SPREADS_M:
            near = square - square.min(1, keepdims=True)
            weight = np.exp(-0.5 * near / spread**2)
            share.append(weight / weight.sum(1, keepdims=True))
        return cls(
            upper, lower, soft, follow.astype(np.float64),
            smoothstep(0.25, 0.75, part.astype(np.float32)).astype(np.float64), tuple(share),
        )  # fmt: skip

    def across(self, template: Template, posed: Float64Array) -> tuple[Float64Array, Float64Array]:
        """(N, 3) unit directions from the upper to the lower lip of a pose (V, 3) of the template,
        and (N,) how far apart they are along them, metres; negative where they overlap."""
        normals = vertex_normals(posed.astype(np.float32), template.triangles).astype(np.float64)
        direction = normals[self.upper] - normals[self.lower]
        direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
        return direction, self.gaps(posed, direction)

    def gaps(self, posed: Float64Array, direction: Float64Array) -> Float64Array:
        """(N,) how far apart the lips of a pose (V, 3) are along directions (N, 3), metres."""
        return np.asarray(((posed[self.lower] - posed[self.upper]) * direction).sum(1))

    def excess(self, template: Template, usual: Float64Array, posed: Float64Array) -> Float64Array:
        """(N,) by how much a pose (V, 3) is out of what the template's own, `usual`, allows."""
        direction, gap = self.across(template, usual)
        free = np.linalg.norm(usual[self.lower] - usual[self.upper], axis=1) ** 2 / _FREE_M
        off = self.gaps(posed, direction) - gap
        return np.asarray(np.sign(off) * np.maximum(np.abs(off) - free, 0.0))


def fit_lips(
    template: Template, neutral: Float32Array, deltas: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Neutral (V, 3) and shapes (K, V, 3) with lips that meet where the template's do. Metres.

    Only skin and lining within a centimetre of the seam is moved; what is right stays exactly as
    it is. A pose whose lips are held open is left alone.
    """
    seam = _seam(template)
    neutral, deltas = neutral.copy(), deltas.copy()
    if seam is None:
        return neutral, deltas
    rest = template.vertices.astype(np.float64)
    _meet(template, seam, rest, neutral.astype(np.float64), neutral)
    names = list(template.shape_names)
    for k in sorted(range(len(names)), key=lambda k: names[k] in _OVER):
        usual, posed = rest + template.shape_deltas[k], neutral.astype(np.float64) + deltas[k]
        base = _OVER.get(names[k])
        if base in names:
            j = names.index(base)
            usual, posed = usual + template.shape_deltas[j], posed + deltas[j]
        _meet(template, seam, usual, posed, deltas[k])
    return neutral, deltas


def _meet(
    template: Template, seam: LipSeam, usual: Float64Array, posed: Float64Array, array: Float32Array
) -> None:
    """Add to a neutral or shape (V, 3) what brings its pose (V, 3) to what `usual` allows."""
    direction, _ = seam.across(template, usual)
    excess = seam.excess(template, usual, posed)
    if np.abs(excess).max(initial=0.0) < _ROUNDING_M or excess.mean() > _OPEN_M:
        return
    moved = np.zeros((len(seam.soft), 3))
    start = posed[seam.soft]
    for share in seam.share:
        step = share @ (direction * excess[:, None])
        # The upper lip comes down by half of it, the lower one up by the other.
        moved += (0.5 - seam.is_lower)[:, None] * seam.follow[:, None] * step
        posed[seam.soft] = start + moved
        excess = seam.excess(template, usual, posed)
    array[seam.soft] += moved.astype(np.float32)
    # What is left is the lower lip's own raggedness.
    array[seam.lower] -= (direction * excess[:, None]).astype(np.float32)


@lru_cache(maxsize=1)
def _seam(template: Template) -> LipSeam | None:
    return LipSeam.of(template)
