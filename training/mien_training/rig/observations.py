"""What a rig is fitted to: frames of calibrated cameras and the tracker's points in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien.tracker import Tracker
from mien_training.rendering.camera import Camera
from mien_training.rig.landmark_fit import SeenPoints
from mien_training.rig.views import Views

__all__ = ["Observations", "Recording", "observe"]


@dataclass(frozen=True, eq=False)
class Recording:
    """What one calibrated camera delivers."""

    images: NDArray[np.uint8]
    """(T, H, W, 3) sRGB."""
    times_s: NDArray[np.float64]
    """(T,) seconds on this camera's own clock."""
    camera: Camera
    """Intrinsics and `camera_from_world`."""
    masks: NDArray[np.bool_] | None = None
    """(T, H, W) pixels that show the head; None if nobody knows."""

    def __post_init__(self) -> None:
        expected = (len(self.times_s), self.camera.height, self.camera.width)
        if self.images.shape != (*expected, 3) or self.images.dtype != np.uint8:
            raise InputError(
                f"Recording: images {self.images.shape} of {self.images.dtype}, expected "
                f"{(*expected, 3)} of uint8"
            )
        if self.masks is not None and self.masks.shape != expected:
            raise InputError(f"Recording: masks {self.masks.shape}, expected {expected}")


@dataclass(frozen=True, eq=False)
class Observations:
    """N frames of C cameras in which the tracker saw the face."""

    views: Views
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

    def to(self, device: torch.device) -> Observations:
        """The same on another device."""
        masks = None if self.masks is None else self.masks.to(device)
        return Observations(
            self.views.to(device), self.camera.to(device), self.times_s.to(device),
            self.frame.to(device), self.images.to(device), masks, self.points.to(device),
        )  # fmt: skip

    def seen_points(self, moment: Tensor, confidence: Tensor | None = None) -> SeenPoints:
        """The points, (N,) moments grouping frames; all certain without `confidence` (N, 478)."""
        if confidence is None:
            confidence = torch.ones(self.points.shape[:2], device=self.points.device)
        return SeenPoints(self.camera, moment, self.points, confidence)


def observe(
    recordings: Sequence[Recording], progress: Callable[[int, int], None] | None = None
) -> Observations:
    """Track the face in every frame; frames without it are left out.

    All cameras must give images of one size. Raises InputError where none shows a face.
    """
    sizes = {(r.camera.height, r.camera.width) for r in recordings}
    if len(sizes) != 1:
        raise InputError(f"observe: images of sizes {sorted(sizes)}, expected one size (H, W)")
    masked = [r.masks is not None for r in recordings]
    if any(masked) and not all(masked):
        raise InputError("observe: some recordings have masks and some have none")
    total, done = sum(len(r.times_s) for r in recordings), 0
    camera, times, frames, images, masks, points = [], [], [], [], [], []
    start = min(float(r.times_s[0]) for r in recordings if len(r.times_s))
    for c, recording in enumerate(recordings):
        tracker = Tracker(focal_px=float(recording.camera.K[0, 0]))
        for t, image in enumerate(recording.images):
            faces = tracker.track(image)
            done += 1
            if progress is not None:
                progress(done, total)
            if not faces:
                continue
            camera.append(c)
            times.append(float(recording.times_s[t]) - start)
            frames.append(t)
            images.append(image)
            points.append(faces[0].landmarks[:, :2])
            if recording.masks is not None:
                masks.append(recording.masks[t])
    if not camera:
        raise InputError(f"observe: no face found in {total} frames of {len(recordings)} cameras")
    return Observations(
        Views.of([r.camera for r in recordings]),
        torch.tensor(camera),
        torch.tensor(times, dtype=torch.float32),
        torch.tensor(frames),
        torch.from_numpy(np.stack(images)),
        torch.from_numpy(np.stack(masks)) if masks else None,
        torch.from_numpy(np.stack(points).astype(np.float32)),
    )
