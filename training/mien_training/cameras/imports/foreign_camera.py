"""One camera as another tool's file tells it, checked and brought to mien's conventions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_checks import check_intrinsics, check_pose
from mien_training.cameras.lens import Lens, camera_with_lens, folds

__all__ = ["OPENCV_CENTRES", "ForeignCamera", "Pinhole", "foreign_camera"]

Float64Array = NDArray[np.float64]

OPENCV_CENTRES = 0.5
"""To be added to principal points where pixel centres lie at whole numbers."""


@dataclass(frozen=True, eq=False)
class ForeignCamera:
    """A camera and what the file calls it."""

    picture: str
    """Path of the picture that it took, "/" between folders, or the camera's own name."""
    camera: Camera
    """Lengths in the file's own unit."""
    mask: str | None = None
    """Path of an image that shows where the head is."""


@dataclass(frozen=True)
class Pinhole:
    """Intrinsics without the lens, pixels; pixel centres at +0.5."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    skew: float = 0.0

    @property
    def K(self) -> Float64Array:
        """(3, 3)."""
        return np.array([[self.fx, self.skew, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


def foreign_camera(
    picture: str, pinhole: Pinhole, lens: Lens, camera_from_world: Float64Array, where: str
) -> ForeignCamera:
    """With the rotation nearest to the file's rounded one (orthogonal Procrustes).

    Raises InputError, naming `where`, for a pose (4, 4) that is none, intrinsics of no camera, and
    a lens that shows a point twice.
    """
    picture = picture.replace("\\", "/")
    if PurePosixPath(picture).name in ("", ".."):
        raise InputError(f"{where}: {picture!r} names no picture, expected a file's name")
    check_pose(camera_from_world, f"{where}: the pose")
    check_intrinsics(pinhole.K, pinhole.width, pinhole.height, f"{where}: the intrinsics")
    pose = camera_from_world.copy()
    left, _, right = np.linalg.svd(pose[:3, :3])
    pose[:3, :3] = left @ right
    camera = camera_with_lens(Camera(pinhole.K, pose, pinhole.width, pinhole.height), lens)
    if camera.distorts and folds(camera):
        raise InputError(
            f"{where}: the distortion folds the image over itself, expected a lens that shows "
            "every point once"
        )
    return ForeignCamera(picture, camera)
