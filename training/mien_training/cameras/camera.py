"""OpenCV pinhole cameras with two radial terms, as pure functions over arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["Camera", "clip_from_camera", "look_at_camera", "project"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """x right, y down, z forward; pixel centres lie at +0.5, the image spans [0, W] x [0, H]."""

    K: Float64Array
    """(3, 3) intrinsics, pixels; the last row is (0, 0, 1)."""
    camera_from_world: Float64Array
    """(4, 4) rigid transform, metres."""
    width: int
    """Image width, pixels."""
    height: int
    """Image height, pixels."""
    k1: float = 0.0
    """Radial distortion of r^2 (OpenCV's k1), acting on normalised coordinates."""
    k2: float = 0.0
    """Radial distortion of r^4."""

    def __post_init__(self) -> None:
        if self.K.shape != (3, 3) or self.camera_from_world.shape != (4, 4):
            raise InputError(
                f"Camera: K {self.K.shape} and camera_from_world {self.camera_from_world.shape}, "
                "expected (3, 3) and (4, 4)"
            )
        if self.width < 1 or self.height < 1:
            raise InputError(f"Camera: image of {self.width} x {self.height} pixels")
        if not (np.isfinite(self.K).all() and np.isfinite(self.camera_from_world).all()):
            raise InputError("Camera: K and camera_from_world must be finite")
        if self.K[0, 0] <= 0 or self.K[1, 1] <= 0:
            raise InputError(
                f"Camera: focal lengths {self.K[0, 0]}, {self.K[1, 1]} must be positive"
            )

    @property
    def centre(self) -> Float64Array:
        """(3,) position of the camera in the world, metres."""
        rotation = self.camera_from_world[:3, :3]
        return np.asarray(-rotation.T @ self.camera_from_world[:3, 3])

    def resized(self, width: int, height: int) -> Camera:
        """The same view on another pixel grid."""
        scale = np.diag([width / self.width, height / self.height, 1.0])
        return replace(self, K=scale @ self.K, width=width, height=height)

    @property
    def distorts(self) -> bool:
        """Whether `distorted` changes anything."""
        return self.k1 != 0 or self.k2 != 0

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Normalised coordinates x / z and y / z (..., 2) as the lens bends them."""
        x, y = xy[..., 0], xy[..., 1]  # summing over an axis of 2 takes several times as long
        r2 = (x * x + y * y)[..., None]
        return np.asarray(xy * (1.0 + r2 * (self.k1 + r2 * self.k2)))


def project(camera: Camera, points: ArrayLike) -> tuple[Float64Array, Float64Array]:
    """World points (..., 3), metres -> pixels (..., 2) and depth along the view axis (...,).

    Points at or behind the camera (depth <= 0) have no image: their pixels are NaN.
    """
    p = np.asarray(points, np.float64)
    seen = p @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    depth = seen[..., 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        xy = np.where(depth[..., None] > 0, seen[..., :2] / depth[..., None], np.nan)
    return camera.distorted(xy) @ camera.K[:2, :2].T + camera.K[:2, 2], depth


def clip_from_camera(camera: Camera, near_m: float = 0.01, far_m: float = 100.0) -> Float64Array:
    """(4, 4) homogeneous clip matrix for camera-space points, without distortion.

    Clip space: x/w = -1..1 left to right, y/w = -1..1 from the image's TOP row to its bottom, z/w
    = -1 (near) .. 1 (far), w = depth. Row 0 of every array is the top row of the image.
    """
    if not 0 < near_m < far_m:
        raise InputError(f"clip_from_camera: near {near_m}, far {far_m}; expected 0 < near < far")
    matrix = np.zeros((4, 4))
    matrix[0, :3] = 2.0 * camera.K[0] / camera.width - (0.0, 0.0, 1.0)
    matrix[1, :3] = 2.0 * camera.K[1] / camera.height - (0.0, 0.0, 1.0)
    matrix[2, 2] = (far_m + near_m) / (far_m - near_m)
    matrix[2, 3] = -2.0 * far_m * near_m / (far_m - near_m)
    matrix[3, 2] = 1.0
    return matrix


def look_at_camera(
    eye: ArrayLike,
    target: ArrayLike,
    vertical_fov: float,
    width: int,
    height: int,
    up: ArrayLike = (0.0, 1.0, 0.0),
) -> Camera:
    """Camera at `eye` (3,) whose optical axis goes through `target` (3,), metres.

    `vertical_fov` in radians; `up` is the world's direction that points up in the image.
    """
    eye_, target_ = np.asarray(eye, np.float64), np.asarray(target, np.float64)
    forward = target_ - eye_
    right = np.cross(forward, np.asarray(up, np.float64))
    if np.linalg.norm(forward) < 1e-9 or np.linalg.norm(right) < 1e-9:
        raise InputError("look_at_camera: eye, target and up must not lie on one line")
    if not 0 < vertical_fov < np.pi:
        raise InputError(f"look_at_camera: vertical_fov {vertical_fov} rad, expected 0..pi")
    forward /= np.linalg.norm(forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = rotation
    camera_from_world[:3, 3] = -rotation @ eye_
    focal = 0.5 * height / np.tan(0.5 * vertical_fov)
    K = np.array([[focal, 0.0, 0.5 * width], [0.0, focal, 0.5 * height], [0.0, 0.0, 1.0]])
    return Camera(K, camera_from_world, width, height)
