"""What a rig is fitted to: frames of calibrated cameras and the tracker's points in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien.tracker import Tracker
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.footage.face_crop import SourceFrames
from mien_training.footage.observed_landmarks import ObservedLandmarks
from mien_training.footage.track_jumps import track_jumps
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["CameraRecording", "Observations", "observe"]


@dataclass(frozen=True, eq=False)
class CameraRecording:
    """What one calibrated camera delivers."""

    images: NDArray[np.uint8]
    """(T, H, W, 3) sRGB."""
    times_s: NDArray[np.float64]
    """(T,) seconds on this camera's own clock."""
    camera: Camera
    """Intrinsics and `camera_from_world`."""
    masks: NDArray[np.bool_] | None = None
    """(T, H, W) pixels that show the head; None if nobody knows."""
    points: NDArray[np.float32] | None = None
    """(T, 478, 2) the tracker's points, pixels, NaN in frames without a face; None: not tracked."""
    source: SourceFrames | None = None
    """The T frames of a file that the images were cut from; None: of no file."""

    def __post_init__(self) -> None:
        expected = (len(self.times_s), self.camera.height, self.camera.width)
        if self.images.shape != (*expected, 3) or self.images.dtype != np.uint8:
            raise InputError(
                f"CameraRecording: images {self.images.shape} of {self.images.dtype}, expected "
                f"{(*expected, 3)} of uint8"
            )
        if self.masks is not None and self.masks.shape != expected:
            raise InputError(f"CameraRecording: masks {self.masks.shape}, expected {expected}")
        if self.points is not None and self.points.shape != (expected[0], 478, 2):
            raise InputError(
                f"CameraRecording: points {self.points.shape}, expected ({expected[0]}, 478, 2)"
            )


@dataclass(frozen=True, eq=False)
class Observations:
    """N frames of C cameras in which the tracker saw the face."""

    views: CameraBatch
    camera: Tensor
    """(N,) int64 which camera."""
    times_s: Tensor
    """(N,) float32 on that camera's clock, from the first frame on."""
    frame: Tensor
    """(N,) int64 index in its recording."""
    images: Tensor
    """(N, H, W, 3) uint8 sRGB."""
    masks: Tensor | None
    """(N, H, W) bool; None without."""
    points: Tensor
    """(N, 478, 2) the tracker's points, pixels."""
    trusted: Tensor
    """(N,) bool: frames whose points are the face's (`track_jumps`)."""

    def subset(self, rows: Tensor) -> Observations:
        """Frames (B,) int, or (N,) bool, alone."""
        masks = None if self.masks is None else self.masks[rows]
        return Observations(
            self.views, self.camera[rows], self.times_s[rows], self.frame[rows], self.images[rows],
            masks, self.points[rows], self.trusted[rows],
        )  # fmt: skip

    def to(self, device: torch.device) -> Observations:
        """The same on another device."""
        masks = None if self.masks is None else self.masks.to(device)
        return Observations(
            self.views.to(device), self.camera.to(device), self.times_s.to(device),
            self.frame.to(device), self.images.to(device), masks, self.points.to(device),
            self.trusted.to(device),
        )  # fmt: skip

    def seen_points(self, moment: Tensor, confidence: Tensor | None = None) -> ObservedLandmarks:
        """The points, (N,) moments grouping frames; all certain without `confidence` (N, 478)."""
        if confidence is None:
            confidence = torch.ones(self.points.shape[:2], device=self.points.device)
        return ObservedLandmarks(self.camera, moment, self.points, confidence)


def observe(recordings: Sequence[CameraRecording], report: Report = silent) -> Observations:
    """All frames that show the face; it is tracked in recordings without points.

    All cameras must give images of one size. Raises InputError where none shows a face.
    """
    sizes = {(r.camera.height, r.camera.width) for r in recordings}
    if len(sizes) != 1:
        raise InputError(f"observe: images of sizes {sorted(sizes)}, expected one size (H, W)")
    if len({r.masks is None for r in recordings}) > 1:
        raise InputError("observe: some recordings have masks and some have none")
    todo = sum(len(r.times_s) for r in recordings if r.points is None)
    done = 0
    kept, points = [], []
    for recording in recordings:
        found = recording.points
        if found is None:
            found = np.full((len(recording.times_s), 478, 2), np.nan, np.float32)
            tracker = Tracker(focal_px=float(recording.camera.K[0, 0]))
            for t, image in enumerate(recording.images):
                faces = tracker.track(image)
                if faces:
                    found[t] = faces[0].landmarks[:, :2]
                done += 1
                report(Progress("tracking", done, todo))
        seen = np.flatnonzero(np.isfinite(found).all((1, 2)))
        kept.append(seen)
        points.append(found[seen])
    counts = [len(seen) for seen in kept]
    if not sum(counts):
        total = sum(len(r.times_s) for r in recordings)
        raise InputError(f"observe: no face in any of {total} frames of {len(recordings)} cameras")
    start = min(float(r.times_s[k[0]]) for r, k in zip(recordings, kept, strict=True) if len(k))
    pairs = list(zip(recordings, kept, strict=True))
    masks = [r.masks[k] for r, k in pairs if r.masks is not None]
    jumps = [track_jumps(p, r.times_s[k]) for p, (r, k) in zip(points, pairs, strict=True)]
    return Observations(
        CameraBatch.of([r.camera for r in recordings]),
        torch.repeat_interleave(torch.arange(len(recordings)), torch.tensor(counts)),
        torch.from_numpy(np.concatenate([r.times_s[k] - start for r, k in pairs])).float(),
        torch.from_numpy(np.concatenate(kept)),
        torch.from_numpy(np.concatenate([r.images[k] for r, k in pairs])),
        torch.from_numpy(np.concatenate(masks)) if masks else None,
        torch.from_numpy(np.concatenate(points).astype(np.float32)),
        torch.from_numpy(~np.concatenate(jumps)),
    )
