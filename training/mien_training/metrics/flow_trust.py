"""Where measured optical flow can be believed, and how far another flow is from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from mien.errors import InputError

__all__ = ["consistent", "end_point_errors", "texturedness"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def texturedness(image: NDArray[np.uint8], sigma_px: float = 2.0) -> Float64Array:
    """(H, W) how much an (H, W, 3) image changes in its least changing direction, grey values of
    255 a pixel: the square root of the structure tensor's smaller eigenvalue (Shi and Tomasi 1994,
    "Good Features to Track"), over a Gaussian window. Along a plain edge it is 0: flow slips there.
    """
    grey = gaussian_filter(image.astype(np.float64).mean(2), 0.7)
    dy, dx = np.gradient(grey)
    xx, yy, xy = (gaussian_filter(p, sigma_px) for p in (dx * dx, dy * dy, dx * dy))
    smaller = 0.5 * (xx + yy) - np.sqrt(0.25 * (xx - yy) ** 2 + xy**2)
    return np.asarray(np.sqrt(smaller.clip(min=0)))


def consistent(
    forward: NDArray[np.floating], backward: NDArray[np.floating], tolerance_px: float = 0.5
) -> BoolArray:
    """(H, W) where flow there (H, W, 2) and back (H, W, 2) ends where it began, within a distance.

    Covered and uncovered places, and those that were matched by chance, do not. False where the
    flow leaves the image.
    """
    _check("consistent", forward, backward)
    height, width = forward.shape[:2]
    row, column = np.mgrid[:height, :width].astype(np.float64)
    row, column = row + forward[..., 1], column + forward[..., 0]
    back = np.stack([_read(backward[..., axis], row, column) for axis in range(2)], -1)
    inside = (row >= 0) & (row <= height - 1) & (column >= 0) & (column <= width - 1)
    return np.asarray(inside & (np.linalg.norm(forward + back, axis=2) < tolerance_px))


def end_point_errors(
    measured: NDArray[np.floating], other: NDArray[np.floating], where: BoolArray
) -> Float64Array:
    """(P,) pixels between the ends of two flows (H, W, 2), at the P pixels of `where` (H, W)."""
    _check("end_point_errors", measured, other)
    apart = measured[where].astype(np.float64) - other[where]
    return np.asarray(np.hypot(apart[:, 0], apart[:, 1]))


def _read(image: NDArray[np.floating], row: Float64Array, column: Float64Array) -> Float64Array:
    """Bilinear; what is beyond the border is as the border."""
    image = image.astype(np.float64)
    return np.asarray(map_coordinates(image, [row, column], order=1, mode="nearest"))


def _check(what: str, a: NDArray[np.floating], b: NDArray[np.floating]) -> None:
    if a.ndim != 3 or a.shape[2] != 2 or a.shape != b.shape:
        raise InputError(f"{what}: flows {a.shape} and {b.shape}, expected (H, W, 2) twice")
