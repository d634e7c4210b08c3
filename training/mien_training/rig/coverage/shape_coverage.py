"""What footage says about each shape: which ones to believe, and which to take from the template.

A face is neutral + sum_k w_k shape_k, so at every vertex the shapes are the unknowns of a linear
regression on the weights' columns. What the data alone say about shape k is the part of its column
that is left when the mean (the neutral is unknown too) and the columns of all other shapes that
move the same vertex are taken out: the inverse of a diagonal entry of the inverse Gram matrix, or
one minus the squared multiple correlation (Draper and Smith 1998, "Applied Regression Analysis",
variance inflation factors). Averaged over vertices by squared motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = [
    "ACTIVE", "ShapeCoverage", "Verdict", "apply_coverage", "shape_coverage", "verdict_colours",
]  # fmt: skip

Float64Array = NDArray[np.float64]
Verdict = Literal["observed", "partial", "unobserved"]
_VERDICT_COLOURS: dict[Verdict, tuple[int, int, int]] = {
    "observed": (76, 175, 118),
    "partial": (226, 164, 55),
    "unobserved": (214, 94, 88),
}
"""sRGB, in reports."""
Shortage = Literal["", "hidden", "strength", "duration", "separation"]

ACTIVE = 0.3
"""A weight above this shows the shape."""
_STRENGTH = (0.1, 0.35)
"""Peak weights at which evidence begins and is full."""
_FRAMES = (0.2, 1.0)
"""The same for frames at full strength of the shape's own. A least-squares estimate from f of them
has 1/f of a frame's squared error; personal shapes are 1 to 1.5 mm from the template's and frames
0.5 to 1 mm off, so f of 0.2 to 1 is where the footage begins to know better."""
_SEPARATION = (0.02, 0.15)
"""The same for the share that no other shape explains."""
_WEIGHT_NOISE = 0.02
"""Weights are not known better than this; columns that differ by less are the same column."""
_SUPPORT = 0.1
"""A shape acts where it moves more than this share of its longest displacement."""


@dataclass(frozen=True)
class ShapeCoverage:
    """What some footage showed of one shape."""

    name: str
    peak: float
    """Largest weight."""
    active_s: float
    """Seconds of the performance with a weight above ACTIVE."""
    separability: float
    """0..1, share of the weight's variance that no other shape at the same place explains."""
    own_frames: float
    """Sum of squares of that part: as much as so many frames of this shape alone at weight 1."""
    partner: str | None
    """The shape that it came together with most, where that is what is wrong."""
    evidence_weight: float
    """0..1, how much of the shape the footage itself tells."""
    shortage: Shortage
    """What keeps `evidence_weight` below 1; empty if nothing does."""

    @property
    def verdict(self) -> Verdict:
        """observed: full evidence; unobserved: none, no frame shows it; partial: all between."""
        if self.evidence_weight >= 1:
            return "observed"
        shown = self.peak > ACTIVE and self.shortage != "hidden"
        return "partial" if self.evidence_weight > 0 or shown else "unobserved"


def shape_coverage(
    shape_names: Sequence[str],
    shape_deltas: ArrayLike,
    weights: ArrayLike,
    region: ArrayLike | None = None,
    duration_s: float | None = None,
) -> tuple[ShapeCoverage, ...]:
    """One verdict per shape, in their order.

    shape_deltas (K, V, 3) metres; weights (N, K) at the frames that the fit has seen, of all
    cameras; region (V,) bool, the vertices that they see, all if None; duration_s of the
    performance, N / 30 if None. Raises InputError for other shapes.
    """
    deltas, w = np.asarray(shape_deltas, np.float64), np.asarray(weights, np.float64)
    count = len(shape_names)
    if deltas.ndim != 3 or len(deltas) != count or w.ndim != 2 or w.shape[1] != count:
        raise InputError(
            f"shape_coverage: {count} names, deltas {deltas.shape}, weights {w.shape}; expected "
            "(K, V, 3) and (N, K)"
        )
    if not len(w) or not np.isfinite(w).all():
        raise InputError(f"shape_coverage: weights {w.shape}, expected finite ones of some frames")
    length = np.linalg.norm(deltas, axis=2)
    support = length > _SUPPORT * length.max(1, initial=0.0, keepdims=True)
    if region is not None:
        seen = np.asarray(region)
        if seen.shape != length.shape[1:] or seen.dtype != np.bool_:
            raise InputError(
                f"shape_coverage: region {seen.shape} of {seen.dtype}, expected "
                f"({length.shape[1]},) of bool"
            )
        length, support = length[:, seen], support[:, seen]
    seconds = len(w) / 30 if duration_s is None else duration_s
    column = w - w.mean(0)
    gram = column.T @ column
    own = _own_variance(gram, length**2, support, len(w) * _WEIGHT_NOISE**2)
    energy = np.diag(gram)
    share = np.where(energy > 1e-12, own / np.maximum(energy, 1e-12), 0.0).clip(0, 1)
    partner = _partners(gram, length**2, support)
    visible = support.any(1)
    found = []
    for k, name in enumerate(shape_names):
        peak, active = float(w[:, k].max()), int((w[:, k] > ACTIVE).sum())
        shared = float(energy[k]) >= _FRAMES[1] and share[k] < 0.5
        parts: dict[Shortage, float] = {
            "strength": _ramp(peak, _STRENGTH),
            "separation": _ramp(float(share[k]), _SEPARATION),
        }
        own_part: Shortage = "separation" if shared else "duration"
        parts[own_part] = min(parts.get(own_part, 1.0), _ramp(float(own[k]), _FRAMES))
        shortage: Shortage = min(parts, key=lambda part: parts[part])
        evidence_weight = parts[shortage]
        if not visible[k]:
            shortage, evidence_weight = "hidden", 0.0
        elif evidence_weight >= 1:
            shortage = ""
        together = shortage == "separation" and partner[k] >= 0
        found.append(
            ShapeCoverage(
                name, peak, active / len(w) * seconds, float(share[k]), float(own[k]),
                shape_names[partner[k]] if together else None, evidence_weight, shortage,
            )
        )  # fmt: skip
    return tuple(found)


def verdict_colours(coverage: Sequence[ShapeCoverage]) -> dict[str, tuple[int, int, int]]:
    """Shape -> the sRGB colour of its verdict: green, orange, red."""
    return {c.name: _VERDICT_COLOURS[c.verdict] for c in coverage}


def apply_coverage(
    fallback_deltas: ArrayLike, fitted_deltas: ArrayLike, coverage: Sequence[ShapeCoverage]
) -> NDArray[np.float32]:
    """(K, V, 3) fitted shapes, but for those that no frame shows the fallback's.

    The fit's own prior already holds back what little evidence says; to mix in the fallback once
    more made shapes of synthetic people worse (docs/results/rig_coverage.md). fallback_deltas (K,
    V, 3) metres, as `unseen_shapes` has them.
    Raises InputError for other shapes.
    """
    fallback = np.asarray(fallback_deltas, np.float32)
    fitted = np.asarray(fitted_deltas, np.float32)
    if fallback.shape != fitted.shape or fitted.ndim != 3 or len(coverage) != len(fitted):
        raise InputError(
            f"apply_coverage: fallback {fallback.shape}, fitted {fitted.shape}, {len(coverage)} "
            "verdicts; expected (K, V, 3) both, and K"
        )
    unobserved = np.array([c.verdict == "unobserved" for c in coverage], bool)[:, None, None]
    return np.where(unobserved, fallback, fitted)


def _own_variance(
    gram: Float64Array, motion: Float64Array, support: NDArray[np.bool_], noise: float
) -> Float64Array:
    """(K,) squared length of each column's part that the others cannot explain.

    gram (K, K) of the centred columns; motion (K, V) squared displacements; support (K, V) who acts
    where. Vertices with the same shapes share one small inverse.
    """
    sets, member = np.unique(support.T, axis=0, return_inverse=True)
    total, mass = np.zeros(len(gram)), np.zeros(len(gram))
    for s, acting in enumerate(sets):
        chosen = np.flatnonzero(acting)
        if not len(chosen):
            continue
        amount = motion[np.ix_(chosen, np.flatnonzero(member.ravel() == s))].sum(1)
        local = gram[np.ix_(chosen, chosen)] + noise * np.eye(len(chosen))
        alone = 1 / np.diag(np.linalg.inv(local)) - noise
        total[chosen] += amount * np.maximum(alone, 0.0)
        mass[chosen] += amount
    return np.asarray(np.where(mass > 0, total / np.maximum(mass, 1e-30), 0.0))


def _partners(
    gram: Float64Array, motion: Float64Array, support: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(K,) the other shape that explains most, by itself, where this one moves; -1 for none."""
    energy = np.maximum(np.diag(gram), 1e-12)
    correlation = gram**2 / energy[:, None] / energy[None]
    own = motion * support
    overlap = own @ support.T / np.maximum(own.sum(1, keepdims=True), 1e-30)
    explained = correlation * overlap
    np.fill_diagonal(explained, 0.0)
    best = explained.argmax(1)
    return np.where(explained.max(1) > 0.2, best, -1)


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """0 below, 1 above, smooth between."""
    x = min(max((value - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0)
    return x * x * (3 - 2 * x)
