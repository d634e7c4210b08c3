"""Linear light as the renderer's kernels write it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien_training.rendering.shading import SRGB8_OF_ROOT


def srgb8_from_linear(linear: ArrayLike) -> NDArray[np.uint8]:
    """Linear light of any shape -> 8-bit sRGB, with a shoulder above 0.7 and white at 4."""
    root = np.sqrt(np.clip(np.asarray(linear, np.float32), 0.0, 4.0))
    last = np.float32(len(SRGB8_OF_ROOT) - 1)
    return np.asarray(SRGB8_OF_ROOT[(root * last / 2 + np.float32(0.5)).astype(np.int32)])
