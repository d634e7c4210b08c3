"""From pixels back to the rays that they see: the inverse of `project`."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera

__all__ = ["fold_radius", "pixel_rays", "undistorted_points"]

Float64Array = NDArray[np.float64]

_STEPS = 30


def fold_radius(camera: Camera) -> float:
    """Tangent of the angle from the optical axis at which k1 and k2 fold the image back on itself;
    infinity if they never do. `project` is one to one below it."""
    return _fold_radius(camera.k1, camera.k2)


@cache
def _fold_radius(k1: float, k2: float) -> float:
    roots = np.roots([5 * k2, 3 * k1, 1.0])
    squares = [float(r.real) for r in roots if abs(r.imag) < 1e-12 and r.real > 0]
    return float(np.sqrt(min(squares))) if squares else float("inf")


def undistorted_points(camera: Camera, pixels: ArrayLike) -> Float64Array:
    """(..., 2) x / z and y / z in camera axes of what is seen at (..., 2) pixels.

    Newton's method over the distance from the optical axis. NaN for pixels that lie beyond
    everything the lens can image (`fold_radius`). Raises InputError for other shapes.
    """
    at = np.asarray(pixels, np.float64)
    if at.shape[-1:] != (2,):
        raise InputError(f"undistorted_points: pixels {at.shape}, expected (..., 2)")
    bent = (at - camera.K[:2, 2]) @ np.linalg.inv(camera.K[:2, :2]).T
    if camera.k1 == 0 and camera.k2 == 0:
        return np.asarray(bent)
    x, y = bent[..., 0], bent[..., 1]
    far = np.sqrt(x * x + y * y)
    limit = fold_radius(camera)
    radius = np.minimum(far, 0.999 * limit)
    for _ in range(_STEPS):
        r2 = radius * radius
        wrong = radius * (1 + r2 * (camera.k1 + r2 * camera.k2)) - far
        slope = 1 + r2 * (3 * camera.k1 + r2 * 5 * camera.k2)
        step = wrong / np.maximum(slope, 1e-3)
        radius = np.clip(radius - step, 0.0, limit)
        if np.abs(step).max(initial=0.0) < 1e-14:
            break
    r2 = radius * radius
    gone = np.abs(radius * (1 + r2 * (camera.k1 + r2 * camera.k2)) - far) > 1e-9 * (1 + far)
    shrink = np.where(far > 0, radius / np.where(far > 0, far, 1.0), 1.0)
    return np.asarray(np.where(gone[..., None], np.nan, bent * shrink[..., None]))


def pixel_rays(camera: Camera, pixels: ArrayLike) -> Float64Array:
    """(..., 3) unit directions in the world, from `camera.centre`, of (..., 2) pixels.

    NaN where `undistorted_points` is. Raises InputError for other shapes.
    """
    flat = undistorted_points(camera, pixels)
    ways = np.concatenate([flat, np.ones_like(flat[..., :1])], -1)
    ways = ways @ camera.camera_from_world[:3, :3]
    return np.asarray(ways / np.linalg.norm(ways, axis=-1, keepdims=True))
