"""What a calibration says of cameras, which is never quite where they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras import Camera, project

__all__ = ["believed_cameras"]

Float64Array = NDArray[np.float64]

_GROUPS = (slice(0, 3), slice(3, 6), slice(6, 7), slice(7, 9))
"""Of the nine numbers of a camera: rotation vector, radians; translation, metres; logarithm of the
focal length; principal point, pixels."""


def believed_cameras(
    cameras: Sequence[Camera], points: ArrayLike, rms_px: float, seed: int
) -> tuple[Camera, ...]:
    """The cameras with small errors of rotation, translation, focal length and principal point.

    In every camera the images of (P, 3) world points, metres, move by `rms_px` root mean square;
    the four kinds have about equal shares of it. k1 and k2 stay. 0 px gives the cameras
    themselves. Raises InputError for a number below 0, or points that some camera does not see.
    """
    if not (np.isfinite(rms_px) and rms_px >= 0):
        raise InputError(f"believed_cameras: rms_px {rms_px}, expected a number >= 0")
    at = np.asarray(points, np.float64)
    if at.ndim != 2 or at.shape[1] != 3 or len(at) < 4:
        raise InputError(f"believed_cameras: points {at.shape}, expected (P, 3), at least 4")
    for number, camera in enumerate(cameras):
        if not (project(camera, at)[1] > 0).all():
            raise InputError(f"believed_cameras: points behind camera {number}")
    if rms_px == 0:
        return tuple(cameras)
    return tuple(
        _believed(camera, at, rms_px, np.random.default_rng((seed, 82, c)))
        for c, camera in enumerate(cameras)
    )


def _believed(
    camera: Camera, points: Float64Array, rms_px: float, rng: np.random.Generator
) -> Camera:
    true = project(camera, points)[0]

    def moved(change: Float64Array) -> float:
        """Root mean square of how far images move, pixels."""
        offset = project(_changed(camera, change, points.mean(0)), points)[0] - true
        return float(np.sqrt((offset**2).sum(1).mean()))

    change = np.zeros(9)
    for group in _GROUPS:
        direction = np.zeros(9)
        direction[group] = rng.standard_normal(group.stop - group.start)
        small = 1e-6 / max(moved(1e-6 * direction), 1e-12)
        change += direction * small * rng.normal()
    scale = rms_px / moved(1e-6 * change) * 1e-6
    for _ in range(4):  # nearly linear, so it converges at once
        scale *= rms_px / moved(scale * change)
    return _changed(camera, scale * change, points.mean(0))


def _changed(camera: Camera, change: Float64Array, pivot: Float64Array) -> Camera:
    """(9,) as `_GROUPS` have them; the world turns about `pivot`, so that turning does not move."""
    view = camera.camera_from_world.copy()
    turn = Rotation.from_rotvec(change[:3]).as_matrix()
    view[:3, 3] += view[:3, :3] @ (pivot - turn @ pivot) + change[3:6]
    view[:3, :3] = view[:3, :3] @ turn
    K = camera.K.copy()
    K[:2, :2] *= np.exp(change[6])
    K[:2, 2] += change[7:9]
    return Camera(K, view, camera.width, camera.height, camera.k1, camera.k2)
