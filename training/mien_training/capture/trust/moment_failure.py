"""When a moment is not to be believed at all, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien.tracker.pose import similarity

__all__ = ["FailureConfig", "MomentEvidence", "jump_failures", "moment_failure", "shape_evidence"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class FailureConfig:
    """Beyond what a moment has failed."""

    least_seen: float = 0.15
    """Least share of the head's skin that some camera must see."""
    least_inliers: float = 0.25
    """Least share of correspondences that agree with the mesh."""
    most_residual_m: float = 0.02
    """Greatest median distance of correspondences from the mesh, metres."""
    size: tuple[float, float] = (0.75, 1.3)
    """Least and greatest size of a head, the template's being 1."""
    most_shape_m: float = 0.015
    """Greatest root mean square distance from the template after pose and size are taken out: no
    person and no expression is so far, metres."""
    most_speed_m_s: float = 4.0
    """Faster than any head, metres a second."""
    most_turn_rad_s: float = 25.0
    """Faster than any head, radians a second."""

    def __post_init__(self) -> None:
        limits = (
            self.most_residual_m, self.most_shape_m, self.most_speed_m_s, self.most_turn_rad_s,
        )  # fmt: skip
        if not (0 <= self.least_seen <= 1 and 0 <= self.least_inliers <= 1):
            raise InputError(f"{self}: expected shares of 0..1")
        if not (min(limits) > 0 and 0 < self.size[0] < 1 < self.size[1]):
            raise InputError(f"{self}: expected limits above 0, and size about 1")


@dataclass(frozen=True)
class MomentEvidence:
    """What is known of one moment; NaN: not known."""

    seen_share: float = np.nan
    """Share of the head's skin that some camera sees (`ViewEvidence.views`)."""
    inliers: float = np.nan
    """Share of correspondences that agree with the mesh."""
    residual_m: float = np.nan
    """Median distance of correspondences from the mesh, metres."""
    size: float = np.nan
    """Of the head, the template's being 1."""
    shape_m: float = np.nan
    """Root mean square distance from the template without pose and size, metres."""
    mirrored: bool = False
    """Whether the template's mirror image fits better."""


def shape_evidence(vertices: ArrayLike, template_vertices: ArrayLike) -> MomentEvidence:
    """Size, shape and whether it is mirrored, of vertices (V, 3) beside the template's (V, 3).

    Best similarity in closed form (Umeyama 1991), with and without a mirror. Raises InputError for
    other shapes.
    """
    at, rest = np.asarray(vertices, np.float64), np.asarray(template_vertices, np.float64)
    if at.shape != rest.shape or at.ndim != 2 or at.shape[1] != 3 or len(at) < 4:
        raise InputError(
            f"shape_evidence: vertices {at.shape}, template_vertices {rest.shape}, expected as "
            "many (V, 3), at least 4"
        )
    if not np.isfinite(at).all():
        return MomentEvidence(size=np.nan, shape_m=np.inf)
    found = [_fit(rest * side, at) for side in ((1, 1, 1), (-1, 1, 1))]
    scale, off = found[0]
    return MomentEvidence(size=scale, shape_m=off, mirrored=bool(found[1][1] < 0.5 * off))


def _fit(source: Float64Array, target: Float64Array) -> tuple[float, float]:
    """Scale, and root mean square distance."""
    scale, turn, shift = similarity(source, target)
    off = scale * source @ turn.T + shift - target
    return float(scale), float(np.sqrt((off**2).sum(1).mean()))


def moment_failure(evidence: MomentEvidence, config: FailureConfig | None = None) -> str:
    """Why the moment is not to be believed; empty if it is."""
    c = config or FailureConfig()
    if evidence.mirrored:
        return "the head is mirrored: check the axes of the calibration, or mirrored pictures"
    if evidence.seen_share < c.least_seen:
        return f"cameras see {evidence.seen_share:.0%} of the head, expected {c.least_seen:.0%}"
    if evidence.inliers < c.least_inliers:
        return f"only {evidence.inliers:.0%} of the correspondences agree with the mesh"
    if evidence.residual_m > c.most_residual_m:
        return f"correspondences are {1e3 * evidence.residual_m:.0f} mm off the mesh"
    if evidence.size < c.size[0] or evidence.size > c.size[1]:
        return f"the head has {evidence.size:.2f} times the size of heads: check the unit"
    if evidence.shape_m > c.most_shape_m:
        return f"the shape is {1e3 * evidence.shape_m:.0f} mm off any head's"
    return ""


def jump_failures(
    time_s: ArrayLike,
    world_from_head: ArrayLike,
    failure: Sequence[str],
    centre: ArrayLike = (0.0, 0.125, 0.045),
    config: FailureConfig | None = None,
) -> tuple[str, ...]:
    """(T,) failures, with those moments marked that jump away and back.

    world_from_head (T, 4, 4); centre (3,): middle of a head, head coordinates. A moment jumps if
    the head would have moved or turned faster than any does, both from the last believed moment
    before and to the next after, which are not as far from each other; at the ends of a take one
    neighbour decides, by the one after that. Raises InputError for other shapes.
    """
    c = config or FailureConfig()
    times, poses = np.asarray(time_s, np.float64), np.asarray(world_from_head, np.float64)
    if times.shape != (len(failure),) or poses.shape != (len(failure), 4, 4):
        raise InputError(
            f"jump_failures: time_s {times.shape}, world_from_head {poses.shape}, "
            f"{len(failure)} failures, expected as many of each"
        )
    good = [t for t, text in enumerate(failure) if not text]
    middle = np.asarray(centre, np.float64)

    def jumps(a: int, b: int) -> bool:
        wait = max(abs(times[b] - times[a]), 1e-3)
        way = np.linalg.norm((poses[b] - poses[a])[:3, :3] @ middle + (poses[b] - poses[a])[:3, 3])
        turn = Rotation.from_matrix(poses[b][:3, :3] @ poses[a][:3, :3].T).magnitude()
        return bool(way / wait > c.most_speed_m_s or turn / wait > c.most_turn_rad_s)

    found = list(failure)
    for k, t in enumerate(good):
        near = [good[j] for j in (k - 1, k + 1) if 0 <= j < len(good)]
        if len(near) == 1 and len(good) > 2:  # an end: its neighbours on the same side
            near = good[1:3] if k == 0 else good[-3:-1]
        if len(near) == 2 and all(jumps(t, n) for n in near) and not jumps(*near):
            found[t] = "the head jumps away and back"
    return tuple(found)
