"""Where points are that several cameras see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.cameras.camera import Camera

__all__ = ["triangulate"]

Float64Array = NDArray[np.float64]


def triangulate(cameras: list[Camera], pixels: Float64Array) -> Float64Array:
    """(P, 3) points that C undistorted cameras see at (C, P, 2) pixels; least squares.

    NaN pixels are left out; a point that fewer than two cameras see is NaN.
    """
    matrices = np.stack([c.K @ c.camera_from_world[:3] for c in cameras])
    points = np.full((pixels.shape[1], 3), np.nan)
    for p in range(pixels.shape[1]):
        seen = np.isfinite(pixels[:, p]).all(1)
        if seen.sum() < 2:
            continue
        rows = pixels[seen, p, :, None] * matrices[seen, None, 2] - matrices[seen, :2]
        flat = rows.reshape(-1, 4)
        flat /= np.linalg.norm(flat[:, :3], axis=1, keepdims=True)
        points[p] = np.linalg.lstsq(flat[:, :3], -flat[:, 3], rcond=None)[0]
    return points
