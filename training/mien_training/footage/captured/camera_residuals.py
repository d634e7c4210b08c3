"""What every camera of a captured take saw, beside where the meshes say that it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera, project
from mien_training.cameras.check.sightings import Sightings
from mien_training.cameras.lens import LensCamera

__all__ = ["CameraResiduals"]


@dataclass(frozen=True, eq=False)
class CameraResiduals:
    """N sightings of places on the head by C cameras in T moments; some 60 a camera and moment.

    The same vertices for all cameras, as far as each sees them, tell most: points that only one
    camera saw say nothing of cameras.
    """

    names: tuple[str, ...]
    """(C,) of the calibration: each camera's film, or folder of pictures."""
    cameras: tuple[Camera, ...]
    """(C,) of the calibration, metres."""
    time_s: NDArray[np.float64]
    """(T,) seconds from the first picture."""
    moment: NDArray[np.int32]
    """(N,) 0..T-1."""
    camera: NDArray[np.int32]
    """(N,) 0..C-1."""
    vertex: NDArray[np.int32]
    """(N,) of the template: the place on the head."""
    pixel: NDArray[np.float32]
    """(N, 2) where the camera sees it: in its picture, or, where its distortion goes beyond k1 and
    k2, in its undistorted picture of the same K."""
    point: NDArray[np.float32]
    """(N, 3) where the mesh of that moment has it, world, metres."""
    certainty: NDArray[np.float32]
    """(N,) 0..1."""

    def __post_init__(self) -> None:
        count = len(self.moment)
        shapes = {
            "moment": (count,), "camera": (count,), "vertex": (count,), "pixel": (count, 2),
            "point": (count, 3), "certainty": (count,), "time_s": (len(self.time_s),),
        }  # fmt: skip
        for name, shape in shapes.items():
            found = getattr(self, name).shape
            if found != shape:
                raise InputError(f"CameraResiduals.{name}: shape {found}, expected {shape}")
        if len(self.names) != len(self.cameras) or not self.names:
            raise InputError(
                f"CameraResiduals.names: {len(self.names)} for {len(self.cameras)} cameras, "
                "expected one for each, at least one"
            )
        for name, below in (("moment", len(self.time_s)), ("camera", len(self.names))):
            index = getattr(self, name)
            if count and not (index.min() >= 0 and index.max() < below):
                raise InputError(f"CameraResiduals.{name}: expected 0..{below - 1}")
        for name in ("time_s", "pixel", "point", "certainty"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"CameraResiduals.{name}: expected finite numbers")
        if count and not (self.vertex.min() >= 0 and self.certainty.min() >= 0):
            raise InputError("CameraResiduals: expected vertex and certainty of 0 or more")

    def offsets_px(self) -> NDArray[np.float64]:
        """(T, C, 2) mean of predicted minus seen pixels, by certainty; NaN where a camera saw
        nothing. A moment scatters by pixels; the mean over many shows a camera that is off."""
        count = (len(self.time_s), len(self.names))
        sums, total = np.zeros((*count, 2)), np.zeros(count)
        for c, camera in enumerate(self.cameras):
            own = self.camera == c
            predicted, depth = project(_undistorted(camera), self.point[own].astype(np.float64))
            good = depth > 0
            moment, sure = self.moment[own][good], self.certainty[own][good].astype(np.float64)
            off = sure[:, None] * (predicted - self.pixel[own])[good]
            np.add.at(sums[:, c], moment, off)
            np.add.at(total[:, c], moment, sure)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums / total[..., None])

    def sightings(self) -> Sightings:
        """The same for `check_cameras`; a vertex of a moment is one point."""
        places = np.stack([self.moment, self.vertex], 1).astype(np.int64)
        keys, first, point = np.unique(places, axis=0, return_index=True, return_inverse=True)
        return Sightings(
            tuple(_undistorted(camera) for camera in self.cameras),
            self.camera.astype(np.int64), point.ravel().astype(np.int64),
            self.pixel.astype(np.float64), self.certainty.astype(np.float64),
            self.point[first].astype(np.float64), keys[:, 0],
        )  # fmt: skip


def _undistorted(camera: Camera) -> Camera:
    if not isinstance(camera, LensCamera):
        return camera
    return Camera(camera.K, camera.camera_from_world, camera.width, camera.height)
