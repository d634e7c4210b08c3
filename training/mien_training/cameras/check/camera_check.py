"""Which cameras are off, and how they would have to stand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.check.bundle_adjustment import AdjustConfig, adjust_cameras
from mien_training.cameras.check.rig_gauge import align_rig, image_offsets
from mien_training.cameras.check.sightings import Sightings, linearise

__all__ = ["CameraCheck", "CheckConfig", "check_cameras"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_ROUNDS = 2
_LEAST_CHANGE_M = 3e-4
_CLOUD = 60


@dataclass(frozen=True)
class CheckConfig:
    """How cameras are judged."""

    adjust: AdjustConfig = field(default_factory=AdjustConfig)
    """How they are corrected."""
    least_moments: int = 20
    """Moments below which nothing is said: single ones scatter more than cameras err."""
    least_sightings: int = 100
    """Sightings that a camera must have to be judged."""
    least_off_m: float = 0.0025
    """Offset at the head below which no camera is called off, metres: what a capture's networks say
    of a place depends on where it is seen from (docs/results/capture_cameras.md)."""
    ratio: float = 4.0
    """How many times the median offset of the others a camera's must be to be called off."""

    def __post_init__(self) -> None:
        if self.least_moments < 1 or self.least_sightings < 1:
            raise InputError(f"{self}: expected least_moments and least_sightings 1 or more")
        if not (self.least_off_m > 0 and self.ratio > 1):
            raise InputError(f"{self}: expected least_off_m above 0 and ratio above 1")


@dataclass(frozen=True, eq=False)
class CameraCheck:
    """Of C cameras."""

    moments: int
    """In which at least two cameras saw something."""
    sightings: NDArray[np.int64]
    """(C,)"""
    residual_px: Float64Array
    """(C, 2) mean of predicted minus seen pixels, outliers aside; NaN without sightings. What is
    predicted lies between what the cameras say, so those that are right show some of it too."""
    off_px: Float64Array
    """(C,) how far the images of heads move when the camera is corrected, root mean square."""
    off_m: Float64Array
    """(C,) the same at the head, metres."""
    judged: BoolArray
    """(C,) whether it has sightings enough."""
    suspect: BoolArray
    """(C,) off, as it seems; never any of too few moments."""
    corrected: tuple[Camera, ...]
    """C, in the frame and unit of the rig as it was. Corrected are those that are called off, or,
    where most are as far off as that, all; the others stay: what is found of them says more of the
    networks than of them."""
    enough: bool
    """Whether there are moments enough to say anything."""


def check_cameras(seen: Sightings, config: CheckConfig | None = None) -> CameraCheck:
    """Corrects the rig (`adjust_cameras`), lays it over the old one so that most cameras stay
    (`align_rig`), and calls those off that moved far and farther than others. See
    `CameraCheck.corrected` for what is kept of that.

    Each camera's change is believed as far as it was off a round before (automatic relevance
    determination, MacKay 1994), so that good cameras stay where they are. Raises InputError where
    fewer than two cameras have sightings enough.
    """
    config = config or CheckConfig()
    count = len(seen.cameras)
    lines = linearise(seen, seen.cameras, seen.points, np.zeros(3))
    sightings = np.bincount(seen.camera[lines.valid], minlength=count)
    judged = sightings >= config.least_sightings
    if judged.sum() < 2:
        raise InputError(
            f"check_cameras: cameras have {sightings.tolist()} sightings, expected at least two "
            f"cameras with {config.least_sightings} or more"
        )
    some = seen.chosen(judged[seen.camera] & lines.valid)
    moments = _shared_moments(some)
    used = np.unique(some.point)
    cloud = some.points[used[np.linspace(0, len(used) - 1, _CLOUD).astype(np.int64)]]
    members = np.flatnonzero(judged)
    kept = [seen.cameras[c] for c in members]
    change_m = np.full(count, config.adjust.change_m)
    found = None
    for _ in range(_ROUNDS + 1):
        found = adjust_cameras(some, config.adjust, change_m, found)
        moved, _ = align_rig(kept, [found.cameras[c] for c in members], cloud)
        pixels, metres = image_offsets(kept, moved, cloud)
        change_m[members] = np.maximum(metres, _LEAST_CHANGE_M)
    off_px, off_m = np.full(count, np.nan), np.full(count, np.nan)
    off_px[members], off_m[members] = pixels, metres
    enough = moments >= config.least_moments
    suspect = np.zeros(count, np.bool_)
    if enough:
        suspect[members] = _outliers(metres, config)
    everywhere = enough and float(np.median(metres)) > config.least_off_m
    corrected = list(seen.cameras)
    for c, camera in zip(members, moved, strict=True):
        if suspect[c] or everywhere:
            corrected[c] = camera
    residual = _mean_residuals(seen, lines.residual, lines.scale, lines.valid, config)
    return CameraCheck(
        moments, sightings, residual, off_px, off_m, judged, suspect, tuple(corrected), enough
    )


def _outliers(off_m: Float64Array, config: CheckConfig) -> BoolArray:
    """(C,) Two cameras are off together: nobody can tell which of them."""
    if len(off_m) == 2:
        return np.full(2, bool(off_m.max() > config.least_off_m))
    others = np.array([np.median(np.delete(off_m, c)) for c in range(len(off_m))])
    return np.asarray((off_m > config.least_off_m) & (off_m > config.ratio * others))


def _shared_moments(seen: Sightings) -> int:
    """How many moments at least two cameras saw."""
    pairs = np.unique(np.stack([seen.moment[seen.point], seen.camera]), axis=1)
    return int((np.bincount(pairs[0], minlength=1) >= 2).sum())


def _mean_residuals(
    seen: Sightings, residual: Float64Array, scale: Float64Array, valid: BoolArray,
    config: CheckConfig,
) -> Float64Array:  # fmt: skip
    """(C, 2) weighted by certainty and by Geman and McClure at three times the noise."""
    edge = 3 * config.adjust.noise_m * np.maximum(scale, 1e-9)
    weight = seen.weight * valid / (1 + (residual**2).sum(1) / edge**2) ** 2
    total = np.bincount(seen.camera, weight, len(seen.cameras))
    sums = [np.bincount(seen.camera, weight * r, len(seen.cameras)) for r in residual.T]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[:, None] > 0, np.stack(sums, 1) / total[:, None], np.nan)
