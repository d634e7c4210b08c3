"""Mattes of a still camera: what was behind the head in other frames tells where it is in this one.

Difference matting with a clean plate that the film itself gives (Qian and Sezan 1992), inside a
band that the mesh leaves open; where nothing was ever seen behind the head, nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.avatar.film.even_frames import even_frames

__all__ = ["PlateMattes", "plate_mattes"]

_FRAMES = 8
"""Least frames that must have seen a pixel of the plate."""
_LOOKED_AT = 200
"""Frames that the plate is the median of, at most: of a longer film evenly chosen ones."""
_SURE = 6.0
"""Standard deviations from the plate from which on a pixel is the head's."""
_SAME = 2.0
"""Below which it is the plate's."""
_STILL = 12.0
"""Median change of what is behind, in codes, above which the camera is not still."""
_LEAST_NOISE = 2.0
_PLAIN = 6.0
"""Deviation of the plate from a smooth one, in codes, up to which it is continued where it was
never seen."""


@dataclass(frozen=True, eq=False)
class PlateMattes:
    """Of T frames."""

    plate: NDArray[np.uint8]
    """(S, S, 3) sRGB codes; grey where nothing was ever seen."""
    alpha: NDArray[np.uint8]
    """(T, S, S) coverage, 255 is all."""
    known: NDArray[np.bool_]
    """(T, S, S) where coverage is claimed."""
    whole: bool
    """The wall is plain: the plate holds behind the head too, in every frame."""


def plate_mattes(
    images: NDArray[np.uint8], covered: NDArray[np.bool_], band_px: float
) -> PlateMattes | None:
    """images (T, S, S, 3) of one still camera; covered (T, S, S): by the mesh; band_px: how far
    hair may reach beyond the mesh. None where the camera was not still or nothing is behind."""
    outside = np.stack([_grown(mask, band_px) for mask in covered]) == 0
    some = even_frames(len(images), _LOOKED_AT)
    there = outside[some].sum(0) >= min(_FRAMES, len(images))
    if not there.any():
        return None
    # numpy's own NaN would make doubles of all pixels.
    values = np.where(outside[some][..., None], images[some], np.float32(np.nan))
    values = values.astype(np.float32, copy=False)
    plate = np.full(images.shape[1:], np.nan, np.float32)
    plate[there] = np.nanmedian(values[:, there], 0)
    noise = np.zeros(there.shape, np.float32)
    noise[there] = 1.4826 * np.nanmedian(np.abs(values[:, there] - plate[there]).max(-1), 0)
    if float(np.median(noise[there])) > _STILL:
        return None
    filled, texture = _filled(plate, there)
    plain = texture <= _PLAIN
    if plain:  # a wall goes on behind the head as it is beside it
        plate, noise = filled, np.where(there, noise, texture)
        there = np.ones_like(there)
    else:
        plate = np.where(there[..., None], plate, 128.0)
    spread = np.maximum(noise, _LEAST_NOISE)
    alpha = np.empty(covered.shape, np.uint8)
    known = np.empty(covered.shape, np.bool_)
    for t, image in enumerate(images):
        inside = ndimage.binary_erosion(covered[t], iterations=2)
        distance = np.abs(image - plate).max(-1) / spread
        soft = ((distance - _SAME) / (_SURE - _SAME)).clip(0, 1)
        soft = ndimage.median_filter(soft, 3)
        value = np.where(inside, 1.0, np.where(outside[t], 0.0, soft))
        alpha[t] = np.rint(255 * value)
        # A head of the plate's colour looks like the plate: between the two nothing is claimed.
        known[t] = inside | outside[t] | (there & ((soft > 0.95) | (soft < 0.05)))
    return PlateMattes(np.rint(plate).astype(np.uint8), alpha, known, plain)


def _filled(
    plate: NDArray[np.float32], there: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], float]:
    """The plate continued from where it is known, and how far it is from smooth there, codes."""
    known = there.astype(np.float32)
    values = np.where(there[..., None], plate, 0)
    smooth = np.zeros_like(values)
    # Coarse to fine: what is near counts where there is any, else what is farther.
    for share in (0.3, 0.1, 0.03):
        sigma = share * len(plate)
        weight = ndimage.gaussian_filter(known, sigma)[..., None]
        mean = ndimage.gaussian_filter(values, (sigma, sigma, 0)) / np.maximum(weight, 1e-6)
        smooth += np.clip(20 * weight, 0, 1) * (mean - smooth) if smooth.any() else mean
    texture = float(np.sqrt(np.square(values - smooth)[there].mean()))
    return np.where(there[..., None], plate, smooth), texture


def _grown(mask: NDArray[np.bool_], reach_px: float) -> NDArray[np.bool_]:
    """Mask and all within reach of it."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= reach_px)
