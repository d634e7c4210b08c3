"""Eyelids ready to animate: they lie on the eyeballs in every shape, and meet in a blink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from mien_training.anatomy.eyeballs import Eyeball, eyeballs, turn_eyeballs
from mien_training.anatomy.lid_edges import LidEdges, angles, clearance
from mien_training.head import Template
from mien_training.rendering.noise import smoothstep
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["LidContact", "fit_eyelids", "lid_contacts"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_ZONE, _STILL = 1.8, 1.35
"""How far the lids reach from the eyeball's centre, in its radii; and how far the part of them
that rests while the other eye moves."""
_MARGIN_M = 0.0004
"""Skin that lies closer to the template's eyeball than this comes no closer to the person's."""
_AFLOAT_M, _AFLOAT_SPAN_M = 0.0004, 0.003
"""A lid's edge lies at most the first farther off the ball than the template's does; at distance
d from the edge, d^2 / the second more."""
_OVERLAP_M = 0.00015
"""By which lids that gaped are closed over each other."""
_SPARE_M = 0.001
"""How much farther than the template's the upper lid may come down over the lower one."""
_LID_M = 0.004
"""What overlaps by more than this besides is no pair of lids any more."""
_SPREAD = 0.5
"""Slope at which an eye's shape may grow with the distance from the other eye."""
_GIVE_M = 0.008
"""Height of the lid that gives way when its edge is moved."""
_FADE_COLUMNS = 4
"""Over which what is done at the outermost column fades towards the corner of the eye."""
_STEPS = 12


@dataclass(frozen=True)
class LidContact:
    """The lids of one eye with its eyeBlink at weight 1, millimetres."""

    gap_mm: float
    """The widest opening between the edges of the lids, as seen from the eyeball's centre and
    measured on its surface, between the corners of the open eye; 0 where they meet everywhere."""
    penetration_mm: float
    """How deep the skin in front of the ball's centre lies inside the ball at most; where the
    template's own lies inside, how much deeper than that."""


def lid_contacts(
    template: Template, neutral: Float32Array, deltas: Float32Array
) -> dict[str, LidContact]:
    """How well the eyes close, for every eyeBlink that the template has."""
    found = {}
    for lids in _lids(template, neutral):
        k = template.shape_names.index(f"eyeBlink{lids.eye.side}")
        pose = lids.posed(neutral, deltas[k])
        lowest, _ = lids.bounds(k)
        inside = np.minimum(lowest, 0.0) - clearance(lids.ball(neutral, deltas[k]), pose)
        front = lids.posed_template(-1)[:, 2] > 0
        size = 1000 * lids.eye.person_from_template.scale
        gap = lids.edges.gaps(pose).max(initial=0.0) * lids.edges.radius
        found[f"eyeBlink{lids.eye.side}"] = LidContact(
            float(size * max(gap, 0.0)), float(size * inside[front].max(initial=0.0))
        )
    return found


def fit_eyelids(
    template: Template,
    neutral: Float32Array,
    deltas: Float32Array,
    names: Sequence[str] | None = None,
) -> tuple[Float32Array, Float32Array]:
    """Neutral (V, 3) and shapes (K, V, 3) of a person with the lids corrected. Metres.

    names: K of the template's shapes that `deltas` holds; None: all of them. No shape's correction
    depends on another's.

    Identities and fits widen and narrow the eyes, but the template's blink travels as far as ever:
    added up, lids gape, or the eyeball comes through them. Eyeballs stay as they are; for rigid
    ones call `turn_eyeballs` first.

    In every pose the skin near an eyeball is moved along rays from the ball's centre: out where
    it is nearer the ball than the template's (or, farther out, a margin), in where the lids' edges
    float off it. In a blink the upper lid's edge first goes up or down to the lower one's. In the
    other eye's shapes, which go together with this one's, lids do no more than the template's.
    What is within these bounds stays exactly as it is.
    """
    neutral, deltas = neutral.copy(), deltas.copy()
    still = np.zeros_like(neutral)
    chosen = template.shape_names if names is None else tuple(names)
    for lids in _lids(template, neutral):
        blink = f"eyeBlink{lids.eye.side}"
        rest = lids.posed(neutral, still)
        lids.move(neutral, rest, lids.on_ball(-1, neutral, still, rest))
        for delta, name in zip(deltas, chosen, strict=True):
            k = template.shape_names.index(name)
            if name.startswith("eye") and not name.endswith(lids.eye.side):
                lids.rest(k, delta)
            pose = lids.posed(neutral, delta)
            corrected = lids.closed(k, pose) if name == blink else pose
            lids.move(delta, pose, lids.on_ball(k, neutral, delta, corrected))
    return neutral, deltas


@dataclass(frozen=True, eq=False)
class _Lids:
    """One eye; all points are about its centre and in the template's size (Eyeball.local)."""

    template: Template
    """With rigid eyeballs."""
    eye: Eyeball
    edges: LidEdges
    from_edge: Float64Array
    """(S,) distance of each of the lids' vertices from the lids' edges in the template, metres."""

    def posed_template(self, k: int) -> Float64Array:
        """(S, 3) lids of the template in shape k; -1 is the neutral."""
        return self._template(k, self.edges.skin)

    def _template(self, k: int, at: NDArray[np.int64]) -> Float64Array:
        points = self.template.vertices[at].astype(np.float64) - self.eye.centre
        return points if k < 0 else points + self.template.shape_deltas[k, at]

    def bounds(self, k: int) -> tuple[Float64Array, Float64Array]:
        """(S,) least and greatest clearance of the lids in shape k, metres."""
        usual = clearance(self._template(k, self.eye.vertices), self.posed_template(k))
        afloat = _AFLOAT_M + self.from_edge**2 / _AFLOAT_SPAN_M
        lowest = np.minimum(usual, _MARGIN_M)
        return lowest, np.maximum(usual + afloat, lowest)

    def posed(self, neutral: Float32Array, delta: Float32Array) -> Float64Array:
        """(S, 3) lids of the person."""
        skin = self.edges.skin
        return self.eye.local(neutral[skin].astype(np.float64) + delta[skin])

    def ball(self, neutral: Float32Array, delta: Float32Array) -> Float64Array:
        """(B, 3) eyeball of the person."""
        at = self.eye.vertices
        return self.eye.local(neutral[at].astype(np.float64) + delta[at])

    def rest(self, k: int, delta: Float32Array) -> None:
        """Bound what a shape (V, 3) does besides the template's by the distance from the ball."""
        skin = self.edges.skin
        usual = self.eye.person_from_template.vectors(self.template.shape_deltas[k, skin])
        away = np.linalg.norm(self.posed_template(-1), axis=1) - _STILL * self.edges.radius
        most = _SPREAD * np.maximum(away, 0.0)
        length = np.linalg.norm(delta[skin] - usual, axis=1)
        far = length > most + 1e-7
        share = (most / np.maximum(length, 1e-12))[far, None]
        delta[skin[far]] = usual[far] + share * (delta[skin[far]] - usual[far])

    def move(self, array: Float32Array, pose: Float64Array, corrected: Float64Array) -> None:
        """Add to a neutral or a shape (V, 3) what takes the lids from `pose` to `corrected`."""
        changed = (corrected != pose).any(1)
        move = self.eye.person_from_template.vectors((corrected - pose)[changed])
        array[self.edges.skin[changed]] += move.astype(np.float32)

    def on_ball(
        self, k: int, neutral: Float32Array, delta: Float32Array, points: Float64Array
    ) -> Float64Array:
        """(S, 3) lids at `points` in shape k, within `bounds` of the ball."""
        now = clearance(self.ball(neutral, delta), points)
        lowest, highest = self.bounds(k)
        change = now.clip(lowest, highest) - now
        change[np.abs(change) < 1e-7] = 0.0  # rounding of single precision
        distance = np.linalg.norm(points, axis=1)
        return np.asarray(points * (1 + change / distance)[:, None])

    def closed(self, k: int, pose: Float64Array) -> Float64Array:
        """(S, 3) `pose` with the upper lid turned about the ball until its edge meets the lower."""
        edges, radius = self.edges, self.edges.radius
        usual = edges.gaps(self.posed_template(k))
        lowest = np.minimum(usual, -_OVERLAP_M / radius) - _SPARE_M / radius
        for _ in range(_STEPS):
            columns, (upper, lower) = edges.columns_of(pose), edges.heights(pose)
            gap = upper - lower
            down = np.where(gap > 0, gap + _OVERLAP_M / radius, 0.0)
            crossed = (gap < lowest) & (gap > lowest - _LID_M / radius)
            down = np.where(crossed, gap - lowest - _OVERLAP_M / radius, down)
            if not down.any():
                break
            fade = _FADE_COLUMNS * (columns[1] - columns[0])
            places = np.concatenate([columns[:1] - fade, columns, columns[-1:] + fade])
            down = np.pad(gaussian_filter1d(down, 0.7, mode="nearest"), 1)
            turn, rise = angles(pose)
            above = (rise - np.interp(turn, columns, upper)) * radius
            give = 1 - smoothstep(0.0, _GIVE_M, above.astype(np.float32))
            angle = np.interp(turn, places, down, 0.0, 0.0) * np.where(edges.is_lower, 0, give)
            pose = _raised(pose, -angle)
        return pose


def _raised(points: Float64Array, angle: Float64Array) -> Float64Array:
    """(N, 3) points, each turned up about the origin by its angle, radians."""
    turn, rise = angles(points)
    distance = np.linalg.norm(points, axis=1)
    rise = rise + angle
    flat = distance * np.cos(rise)
    moved = np.stack([flat * np.sin(turn), distance * np.sin(rise), flat * np.cos(turn)], 1)
    return np.asarray(np.where((angle != 0)[:, None], moved, points))


def _lids(template: Template, neutral: Float32Array) -> list[_Lids]:
    """The eyes of a person whose lids the template can tell apart."""
    rigid, known = _template_lids(template)
    return [
        _Lids(rigid, eye, *known[eye.side])
        for eye in eyeballs(template, neutral)
        if eye.side in known
    ]


@lru_cache(maxsize=1)
def _template_lids(template: Template) -> tuple[Template, dict[str, tuple[LidEdges, Float64Array]]]:
    """The template with rigid eyeballs; per side its lids, and their distance from the edges."""
    vertices, deltas = turn_eyeballs(template, template.vertices, template.shape_deltas)
    halves = {pair.name: pair for pair in contact_pairs(template)}
    known = {}
    for eye in eyeballs(template, template.vertices):
        pair = halves.get(f"lids{eye.side}")
        edges = None if pair is None else LidEdges.of(template, eye, pair, _ZONE)
        if edges is not None:
            known[eye.side] = (edges, _from_edge(template, eye, edges))
    return replace(template, vertices=vertices, shape_deltas=deltas), known


def _from_edge(template: Template, eye: Eyeball, edges: LidEdges) -> Float64Array:
    """(S,) distance from the open lids' edges, taken to lie on the ball, metres."""
    at = template.vertices[edges.skin].astype(np.float64) - eye.centre
    line = np.concatenate(
        [
            np.stack(
                [
                    np.cos(rise) * np.sin(edges.columns),
                    np.sin(rise),
                    np.cos(rise) * np.cos(edges.columns),
                ],
                1,
            )
            for rise in edges.heights(at)
        ]
    )
    return np.asarray(cKDTree(edges.radius * line).query(at)[0])
