"""The camera that splats are drawn for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["Pinhole", "PinholeCamera", "camera_arrays"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


class PinholeCamera(Protocol):
    """What drawing asks of a camera: OpenCV's pinhole, x right, y down, z forward."""

    @property
    def K(self) -> NDArray[Any]:
        """(3, 3) intrinsics, pixels; pixel centres lie at +0.5. No skew."""

    @property
    def camera_from_world(self) -> NDArray[Any]:
        """(4, 4) rigid transform, metres."""


@dataclass(frozen=True, eq=False)
class Pinhole:
    """A pinhole camera without distortion, for one image."""

    K: Float64Array
    """(3, 3) intrinsics, pixels; pixel centres lie at +0.5. No skew."""
    camera_from_world: Float64Array
    """(4, 4) rigid transform, metres."""


def camera_arrays(cameras: Sequence[PinholeCamera]) -> tuple[Float32Array, Float32Array]:
    """(B, 4, 4) camera_from_world, metres, and (B, 4) fx, fy, cx, cy, pixels, of B cameras.

    Raises InputError for other shapes, values that are not finite, a focal length of 0 or less,
    skew, and distortion (`k1`, `k2`, `lens`): undistort the images instead.
    """
    poses, lenses = [], []
    for camera in cameras:
        K = np.asarray(camera.K, np.float64)
        pose = np.asarray(camera.camera_from_world, np.float64)
        if K.shape != (3, 3) or pose.shape != (4, 4):
            raise InputError(
                f"camera: K {K.shape} and camera_from_world {pose.shape}, "
                "expected (3, 3) and (4, 4)"
            )
        if not (np.isfinite(K).all() and np.isfinite(pose).all()):
            raise InputError("camera: K and camera_from_world must be finite")
        if K[0, 0] <= 0 or K[1, 1] <= 0:
            raise InputError(f"camera: focal lengths {K[0, 0]}, {K[1, 1]}, expected above 0")
        if K[0, 1] != 0 or any(getattr(camera, name, 0.0) for name in ("k1", "k2", "lens")):
            raise InputError(
                "camera: splats are drawn without skew and distortion; undistort the images"
            )
        poses.append(pose)
        lenses.append((K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    return np.asarray(poses, np.float32), np.asarray(lenses, np.float32)
