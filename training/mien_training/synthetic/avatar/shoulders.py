"""Neck and shoulders below a head whose mesh ends at the neck: every film shows them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["draw_shoulders"]

ImageArray = NDArray[np.uint8]
_OVERLAP = 0.06
"""Of the head's height, how far the body goes on behind the mesh."""


def draw_shoulders(
    rng: np.random.Generator, image: ImageArray, neck: NDArray[np.floating], head_px: float,
    skin: NDArray[np.floating], cloth: ImageArray,
) -> ImageArray:  # fmt: skip
    """A body in front of image (H, W, 3) sRGB, to be drawn before the head is.

    neck (2, 2): where the mesh ends in the image, left and right, x and y, pixels; head_px: its
    height; skin (3,) sRGB; cloth (H, W, 3) what the clothes look like.
    """
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width] + 0.5
    (left, right), level = np.sort(neck[:, 0]), float(neck[:, 1].mean())
    middle, half = 0.5 * (left + right), 0.5 * (right - left) * rng.uniform(0.9, 1.1)
    # From where the mesh ends the neck goes on, and widens into shoulders.
    down = np.maximum(y - level + _OVERLAP * head_px, 0) / head_px
    fall = rng.uniform(0.0, 0.2)
    widening = np.clip((down - fall) / 0.5, 0, 1) ** rng.uniform(0.4, 0.8)
    reach = half + head_px * rng.uniform(0.55, 0.9) * widening
    lean = middle + rng.normal(0, 0.1) * head_px * down
    body = np.where(y > level - _OVERLAP * head_px, reach - np.abs(x - lean), -1.0)
    opening = np.clip(1 - np.abs(x - lean) / head_px * rng.uniform(2, 5), 0, 1)
    collar = fall + rng.uniform(-0.12, 0.1) + rng.uniform(0, 0.5) * opening
    dressed = ndimage.gaussian_filter((down > collar).astype(np.float64), 0.7)[..., None]
    shade = ndimage.gaussian_filter(rng.normal(0, 1, body.shape), 0.08 * head_px)
    shade = 1 + rng.uniform(0, 0.2) * shade / max(float(shade.std()), 1e-6)
    colour = (dressed * cloth + (1 - dressed) * skin) * shade[..., None]
    there = np.clip(body + 0.5, 0, 1)[..., None]
    return np.asarray((there * colour + (1 - there) * image).clip(0, 255), np.uint8)
