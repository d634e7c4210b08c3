"""Wrinkle regions: parts of the face atlas that fold together, and how strongly each texel belongs.

Engines without a tension pass switch wrinkle maps by one weight per region. Regions overlap softly,
their masks never sum to more than 1, and left and right are each other's mirror images.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.relief.face_atlas import atlas_chart

__all__ = ["MASK_SIDE", "REGION_NAMES", "region_masks"]

Float32Array = NDArray[np.float32]

_PAIRS: dict[str, tuple[float, float, float, float]] = {
    "foreheadUpperMiddle": (0.22, 0.78, 0.20, 0.15),
    "foreheadLowerMiddle": (0.22, 0.52, 0.20, 0.12),
    "foreheadUpperSide": (0.65, 0.74, 0.24, 0.15),
    "foreheadLowerSide": (0.68, 0.50, 0.24, 0.11),
    "glabella": (0.10, 0.27, 0.09, 0.15),
    "upperEye": (0.47, 0.17, 0.20, 0.09),
    "nose": (0.10, -0.12, 0.10, 0.16),
    "crowsFeet": (0.86, 0.00, 0.16, 0.20),
    "underEyeInner": (0.32, -0.26, 0.14, 0.11),
    "underEyeOuter": (0.60, -0.25, 0.15, 0.11),
    "cheek": (0.80, -0.55, 0.22, 0.20),
    "nasolabialUpper": (0.30, -0.66, 0.12, 0.14),
    "nasolabialLower": (0.47, -0.96, 0.12, 0.15),
    "upperLip": (0.14, -0.88, 0.13, 0.09),
    "mouthCorner": (0.45, -1.22, 0.11, 0.14),
    "lowerLip": (0.14, -1.33, 0.14, 0.09),
    "chin": (0.14, -1.62, 0.15, 0.13),
    "neck": (0.40, -2.02, 0.36, 0.10),
}
"""Of the left side: centre on the canonical face's chart, and standard deviations."""
MASK_SIDE = 128
"""Side of exported masks, texels: regions are soft."""
_SIDES = (("Left", 1.0), ("Right", -1.0))
_ELSEWHERE = 0.05
"""What lies outside all regions weighs as much as a region 2.4 deviations away."""

REGION_NAMES: tuple[str, ...] = tuple(f"{name}{side}" for name in _PAIRS for side, _ in _SIDES)
"""R names; sides are the character's own."""


@cache
def region_masks(size: int) -> Float32Array:
    """(R, size, size) share of every region in each texel, 0..1, row 0 at the top; read-only."""
    chart = atlas_chart(size)
    parts = []
    for x, y, wide, high in _PAIRS.values():
        for _, sign in _SIDES:
            away = ((chart[:, 0] - sign * x) / wide) ** 2 + ((chart[:, 1] - y) / high) ** 2
            parts.append(np.exp(-0.5 * away))
    weights = np.stack(parts)
    masks = np.asarray(weights / (weights.sum(0) + _ELSEWHERE), np.float32)
    masks = masks.reshape(-1, size, size)
    masks.flags.writeable = False
    return masks
