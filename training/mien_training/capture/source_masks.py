"""Masks of crops, in the pixels of the pictures that the crops are of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.localisation.head_crops import HeadCrop

__all__ = ["mask_in_source"]

_LONGEST = 512
"""Masks are worked out on a grid of at most so many places a side: they are coarse themselves."""


def mask_in_source(likely: NDArray[np.floating], crop: HeadCrop) -> NDArray[np.bool_]:
    """(H, W) pixels of the original picture that are more likely than not, by a map (h, w), 0..1,
    over the whole crop; none beyond it."""
    source = crop.source
    step = max(1.0, max(source.width, source.height) / _LONGEST)
    width, height = round(source.width / step), round(source.height / step)
    across = (np.arange(width) + 0.5) * (source.width / width)
    down = (np.arange(height) + 0.5) * (source.height / height)
    pixels = np.stack(np.meshgrid(across, down), -1)
    ways = pixel_rays(source, pixels) @ crop.camera.camera_from_world[:3, :3].T
    ahead = np.isfinite(ways).all(-1) & (ways[..., 2] > 1e-6)
    flat = ways[..., :2] / np.where(ahead, ways[..., 2], 1.0)[..., None]
    at = (flat * crop.camera.K[0, 0] + crop.camera.K[:2, 2]) / crop.camera.width
    inside = ahead & (at >= 0).all(-1) & (at < 1).all(-1)
    cell = np.where(inside[..., None], at * likely.shape[::-1], 0).astype(np.int64)
    mask = inside & (likely[cell[..., 1], cell[..., 0]] > 0.5)
    whole = Image.fromarray(mask.astype(np.uint8)).resize(
        (source.width, source.height), Image.Resampling.NEAREST
    )
    return np.asarray(whole, np.bool_)
