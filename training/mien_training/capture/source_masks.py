"""Masks of crops, in the pixels of the pictures that the crops are of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.localisation.head_crops import HeadCrop

__all__ = ["mask_in_source"]

_EDGE = 9
"""Places along one side of a crop that are looked up to know where it lies."""
_FINER = 2
"""Places along one side of a pixel of the map that masks are worked out at."""
_WHOLE = 512
"""Places along one side of a picture where the crop may lie anywhere in it."""


def mask_in_source(likely: NDArray[np.floating], crop: HeadCrop) -> NDArray[np.bool_]:
    """(H, W) pixels of the original picture that are more likely than not, by a map (h, w), 0..1,
    over the whole crop; none beyond it."""
    source = crop.source
    mask = np.zeros((source.height, source.width), np.bool_)
    left, top, right, bottom = _around(crop)
    if right <= left or bottom <= top:
        return mask
    whole = (right - left, bottom - top) == (source.width, source.height)
    most = _WHOLE if whole else _FINER * max(likely.shape)
    width, height = min(most, right - left), min(most, bottom - top)
    across = left + (np.arange(width) + 0.5) * ((right - left) / width)
    down = top + (np.arange(height) + 0.5) * ((bottom - top) / height)
    pixels = np.stack(np.meshgrid(across, down), -1)
    ways = pixel_rays(source, pixels) @ crop.camera.camera_from_world[:3, :3].T
    ahead = np.isfinite(ways).all(-1) & (ways[..., 2] > 1e-6)
    flat = ways[..., :2] / np.where(ahead, ways[..., 2], 1.0)[..., None]
    at = (flat * crop.camera.K[0, 0] + crop.camera.K[:2, 2]) / crop.camera.width
    inside = ahead & (at >= 0).all(-1) & (at < 1).all(-1)
    cell = np.where(inside[..., None], at * likely.shape[::-1], 0).astype(np.int64)
    found = inside & (likely[cell[..., 1], cell[..., 0]] > 0.5)
    part = Image.fromarray(found.astype(np.uint8)).resize(
        (right - left, bottom - top), Image.Resampling.NEAREST
    )
    mask[top:bottom, left:right] = np.asarray(part, np.bool_)
    return mask


def _around(crop: HeadCrop) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a part of the original picture that holds the crop."""
    edge = np.linspace(0, crop.camera.width, _EDGE)
    pixels = crop.source_pixels(np.stack(np.meshgrid(edge, edge), -1)).reshape(-1, 2)
    size = np.array([crop.source.width, crop.source.height])
    if np.isnan(pixels).any():  # beyond what the lens can image: where that ends is not known
        low, high = np.zeros(2), size
    else:
        margin = np.ptp(pixels, axis=0) / _EDGE
        low = np.floor(pixels.min(0) - margin).clip(0, size)
        high = np.ceil(pixels.max(0) + margin).clip(0, size)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])
