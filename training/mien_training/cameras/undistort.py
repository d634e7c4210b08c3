"""Images as a camera without lens distortion would have taken them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.cameras.camera import Camera

__all__ = ["lens_map", "undistort", "undistort_in_strips"]

Float64Array = NDArray[np.float64]

_STRIP_ROWS = 128


def lens_map(camera: Camera, first: int = 0, end: int | None = None) -> Float64Array:
    """(2, H, W) row and column, from pixel centres, where the camera sees what one without its
    distortion sees at each pixel; (2, 0, 0) if there is no difference. Of rows first to end."""
    if not camera.distorts:
        return np.zeros((2, 0, 0))
    rows = np.arange(first, camera.height if end is None else end)
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, rows + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(camera.K).T
    where = camera.distorted(rays[..., :2]) @ camera.K[:2, :2].T + camera.K[:2, 2] - 0.5
    return np.asarray(where.transpose(2, 0, 1)[::-1])


def undistort(image: NDArray[np.uint8], lens: Float64Array) -> NDArray[np.uint8]:
    """The image (H, W, 3) that the camera of `lens_map` would take without its distortion."""
    if not lens.size:
        return image
    channels = image.transpose(2, 0, 1)
    return np.stack(
        [ndimage.map_coordinates(c, lens, order=1, mode="nearest") for c in channels], axis=-1
    )


def undistort_in_strips(image: NDArray[np.uint8], camera: Camera) -> NDArray[np.uint8]:
    """`undistort(image, lens_map(camera))`, without ever holding the map, which takes several
    times the memory of the image: for pictures of many cameras at once."""
    if not camera.distorts:
        return image
    strips = (
        undistort(image, lens_map(camera, first, min(first + _STRIP_ROWS, camera.height)))
        for first in range(0, camera.height, _STRIP_ROWS)
    )
    return np.concatenate(list(strips))
