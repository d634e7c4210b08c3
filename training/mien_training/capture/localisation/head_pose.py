"""Where a head is, in closed form, from what every pixel of every view says it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import project
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.localisation.map_rays import MapRays
from mien_training.capture.localisation.robust_alignment import (
    AlignmentFit,
    robust_alignment,
    robust_weight,
)

__all__ = ["HeadPose", "PoseConfig", "locate_head"]

Float64Array = NDArray[np.float64]

_COARSE = (16.0, 8.0, 4.0, 4.0, 2.0, 2.0)
"""Robust scales of the closed form, as multiples of the last: wrong places, which at first pull
the head together, lose their say one after the other."""
_FINE = (4.0, 2.0, 1.0)
_STEPS = 12
_EFFECTIVE_RAYS = 300.0
"""Rays are worth so many independent ones, beside what is known of sizes: neighbours err alike."""


@dataclass(frozen=True)
class PoseConfig:
    """How heads are located."""

    scale_m: float = 0.008
    """Distance of a ray from its place beyond which it loses its say, metres."""
    scale_deviation: float = 0.06
    """Standard deviation of heads' size about the mean head's, as a share of it; 0: all heads are
    as large as the mean head."""
    least_rays: int = 30
    """Rays that a camera must have to count as seeing the head."""
    least_inliers: float = 0.25
    """Share of rays within twice `scale_m`, by certainty, below which the pose is a failure."""

    def __post_init__(self) -> None:
        if not 0 <= self.scale_deviation < 1:
            raise InputError(f"PoseConfig: scale_deviation {self.scale_deviation}, expected 0..1")
        if not (0 < self.scale_m < 1 and self.least_rays >= 1 and 0 <= self.least_inliers <= 1):
            raise InputError(
                f"PoseConfig: scale_m {self.scale_m}, least_rays {self.least_rays}, least_inliers "
                f"{self.least_inliers}, expected 0..1, 1 or more, 0..1"
            )


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Of one moment."""

    world_from_head: Float64Array
    """(4, 4) rigid: the mean head in rig space, metres, to the world."""
    scale: float
    """Its size over the mean head's, which is scaled about HEAD_CENTRE, then moved."""
    inliers: float
    """Share of rays within twice the scale, weighted by certainty."""
    residual_m: Float64Array
    """(C,) median distance of each camera's rays from their places; NaN without rays."""
    offset_px: Float64Array
    """(C, 2) mean of predicted minus seen pixels, weighted as in the fit: over many moments it
    shows a camera that is off. NaN without rays."""
    rays: NDArray[np.int64]
    """(C,) rays of each camera."""
    failure: str = ""
    """Why this pose is not to be believed; empty if it is."""

    @classmethod
    def given(cls, world_from_head: Float64Array, cameras: int) -> HeadPose:
        """A pose that is known from elsewhere, such as the moment before."""
        nothing = np.full((cameras, 2), np.nan)
        rays = np.zeros(cameras, np.int64)
        return cls(np.array(world_from_head), 1.0, 1.0, nothing[:, 0], nothing, rays)

    @property
    def world_from_mean(self) -> Float64Array:
        """(4, 4) with the scale in it: the mean head to where this one is."""
        grown = self.scale * np.eye(4)
        grown[:3, 3] = (1 - self.scale) * np.array(HEAD_CENTRE)
        grown[3, 3] = 1.0
        return np.asarray(self.world_from_head @ grown)


def locate_head(rays: MapRays, config: PoseConfig | None = None) -> HeadPose:
    """The pose of the mean head from rays of at least two cameras.

    First a free 3x4 map M of the mean head: Q (M [c; 1] - o) = 0 with Q = I - d d^T of each ray
    (o, d) that shows c, by iterated least squares; its rotation by Procrustes; then Gauss-Newton
    over pose and size alone. Both are robust and weighted by certainty. Raises InputError where
    fewer than two cameras, apart from each other, have `least_rays`.
    """
    config = config or PoseConfig()
    count = np.bincount(rays.camera, minlength=len(rays.cameras))
    seen = count >= config.least_rays
    centres = np.stack([c.centre for c in rays.cameras])[seen]
    if seen.sum() < 2 or np.ptp(centres, axis=0).max() < 1e-3:
        raise InputError(
            f"locate_head: cameras have {count.tolist()} rays that show the head; expected at "
            f"least two cameras, apart from each other, with {config.least_rays} or more"
        )
    projectors = rays.projectors
    affine, off = _closed_form(rays, projectors, config.scale_m)
    middle = np.average(rays.canonical, axis=0, weights=rays.certainty)
    u, _, vt = np.linalg.svd(affine[:, :3])
    mirrored = bool(np.linalg.det(u @ vt) < 0)
    rotation = u @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0]) @ vt
    translation = affine @ np.append(middle, 1.0) - rotation @ middle
    fit = _rigid(rays, projectors, (rotation, translation), config)
    scale = 1.0 + float(fit.coefficients.sum())
    near = fit.residuals < 2 * config.scale_m
    inliers = float(rays.certainty[near].sum() / rays.certainty.sum())
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = fit.rotation, fit.translation
    found = HeadPose(pose, scale, inliers, np.zeros(0), np.zeros(0), count)
    residual, offset = _per_camera(rays, found.world_from_mean, fit.residuals, config.scale_m)
    failure = _failure(rays, found.world_from_mean, inliers, mirrored, off, config)
    return replace(found, residual_m=residual, offset_px=offset, failure=failure)


def _closed_form(
    rays: MapRays, projectors: Float64Array, scale_m: float
) -> tuple[Float64Array, Float64Array]:
    """(3, 4) from the mean head to the world, and (N,) distances of its rays, metres."""
    # About the middle of the places, and in decimetres, all twelve unknowns are of one size.
    shift, unit = rays.canonical.mean(0), 0.1
    places = np.pad((rays.canonical - shift) / unit, ((0, 0), (0, 1)), constant_values=1.0)
    nearest = rays.origins.mean(0)
    across = np.einsum("nij,nj->ni", projectors, rays.origins - nearest)
    weights = rays.certainty
    solved = np.zeros((3, 4))
    off = np.zeros(len(places))
    for wider in _COARSE:
        hessian = np.einsum("n,na,nb,nij->aibj", weights, places, places, projectors, optimize=True)
        rhs = np.einsum("n,na,ni->ai", weights, places, across)
        flat = np.linalg.lstsq(hessian.reshape(12, 12), rhs.ravel(), rcond=1e-10)[0]
        solved = flat.reshape(4, 3).T
        off = np.linalg.norm(
            np.einsum("nij,nj->ni", projectors, places @ solved.T) - across, axis=1
        )
        weights = rays.certainty * robust_weight(off, wider * scale_m)
    affine = np.empty((3, 4))
    affine[:, :3] = solved[:, :3] / unit
    affine[:, 3] = solved[:, 3] - affine[:, :3] @ shift + nearest
    return affine, off


def _rigid(
    rays: MapRays,
    projectors: Float64Array,
    start: tuple[Float64Array, Float64Array],
    config: PoseConfig,
) -> AlignmentFit:
    """Pose, and what the size differs from the mean head's as the only coefficient, if any."""
    sized = config.scale_deviation > 0
    bases = (rays.canonical - HEAD_CENTRE)[:, :, None][:, :, : int(sized)]
    ridge = np.full(int(sized), 1 / max(config.scale_deviation, 1e-9) ** 2)
    worth = min(_EFFECTIVE_RAYS, len(bases))
    weights = rays.certainty * (worth / rays.certainty.sum() / config.scale_m**2)
    state = (*start, np.zeros(int(sized)))
    for wider in _FINE:
        fit = robust_alignment(
            rays.canonical, bases, projectors, rays.origins, weights, ridge, state,
            wider * config.scale_m, _STEPS,
        )  # fmt: skip
        state = (fit.rotation, fit.translation, fit.coefficients)
    return fit


def _per_camera(
    rays: MapRays,
    world_from_mean: Float64Array,
    residuals: Float64Array,
    scale_m: float,
) -> tuple[Float64Array, Float64Array]:
    """(C,) median distances, metres, and (C, 2) mean offsets, pixels."""
    placed = rays.canonical @ world_from_mean[:3, :3].T + world_from_mean[:3, 3]
    weights = rays.certainty * robust_weight(residuals, scale_m)
    median = np.full(len(rays.cameras), np.nan)
    offset = np.full((len(rays.cameras), 2), np.nan)
    for c, camera in enumerate(rays.cameras):
        own = rays.camera == c
        if not own.any():
            continue
        median[c] = np.median(residuals[own])
        pixels, depth = project(camera, placed[own])
        ahead = depth > 0
        if ahead.any():
            off = (pixels - rays.pixels[own])[ahead]
            offset[c] = np.average(off, axis=0, weights=weights[own][ahead])
    return median, offset


def _failure(
    rays: MapRays,
    world_from_mean: Float64Array,
    inliers: float,
    mirrored: bool,
    affine_off: Float64Array,
    config: PoseConfig,
) -> str:
    placed = rays.canonical @ world_from_mean[:3, :3].T + world_from_mean[:3, 3]
    ahead = np.einsum("ni,ni->n", placed - rays.origins, rays.directions) > 0
    if mirrored and (affine_off < 2 * config.scale_m).mean() >= config.least_inliers:
        return "the head appears mirrored: check the axes of the calibration, or mirrored images"
    if ahead.mean() < 0.5:
        return "the head lies behind the cameras: check the calibration"
    if inliers < config.least_inliers:
        return f"only {inliers:.0%} of the rays agree on a pose"
    return ""
