"""What a matting net is told: the image, and where the fitted mesh is in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["HINTS", "head_height", "hints"]

Float32Array = NDArray[np.float32]
HINTS = 5
"""Channels."""
_REACH = 0.3
"""Of the head's height, how far from the mesh's outline distances are told apart."""


def hints(image: NDArray[np.uint8], covered: NDArray[np.bool_], height_px: float) -> Float32Array:
    """(HINTS, H, W) of an image (H, W, 3), what the mesh covers (H, W), and the head's height.

    Colours and coverage from -1 to 1, and the distance to the mesh's outline, 1 at `_REACH` inside,
    -1 at `_REACH` outside.
    """
    if covered.all() or not covered.any():
        distance = np.where(covered, 1.0, -1.0)
    else:
        inwards = ndimage.distance_transform_edt(covered)
        outwards = ndimage.distance_transform_edt(~covered)
        distance = ((inwards - outwards) / (_REACH * height_px)).clip(-1, 1)
    told = [*(image.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1), 2.0 * covered - 1, distance]
    return np.stack(told).astype(np.float32)


def head_height(covered: NDArray[np.bool_]) -> float:
    """Mean rows that the mesh covers (T, H, W), pixels."""
    return max(float(covered.any(2).sum(1).mean()), 1.0)
