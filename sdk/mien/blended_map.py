"""Maps of the skin at one moment, in whole numbers: what a server sends on request."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlendedMap", "height_codes"]

Float32Array = NDArray[np.float32]

_TOP_CODE = 65535


@dataclass(frozen=True, eq=False)
class BlendedMap:
    """On the face atlas, as `mien.detail.DetailMaps` has it; S texels a side.

    >>> codes = np.array([[0, 65535], [13107, 0]], np.uint16)
    >>> mien.blended_map.BlendedMap(2, codes, low_m=-0.001, high_m=0.001).displacement
    array([[-0.001 ,  0.001 ],
           [-0.0006, -0.001 ]], dtype=float32)
    """

    side: int
    """S."""
    displacement_codes: NDArray[np.uint16] | None = None
    """(S, S) heights, 0 to 65535 for low_m to high_m, outwards; None: not asked for."""
    low_m: float = 0.0
    high_m: float = 0.0
    normal_codes: NDArray[np.uint8] | None = None
    """(S, S, 3) components code / 127.5 - 1, tangent space, green up; None: not asked for."""

    @property
    def displacement(self) -> Float32Array | None:
        """(S, S) metres outwards, to half a code; None where only normals were asked for."""
        if self.displacement_codes is None:
            return None
        share = self.displacement_codes / _TOP_CODE
        return np.asarray(self.low_m + (self.high_m - self.low_m) * share, np.float32)


def height_codes(heights: Float32Array, low_m: float, high_m: float) -> NDArray[np.uint16]:
    """(S, S) codes of heights, metres, within low_m to high_m."""
    if high_m <= low_m:  # the skin is level: every code is that height
        return np.zeros(heights.shape, np.uint16)
    share = (heights.astype(np.float64) - low_m) / (high_m - low_m)
    return np.rint(_TOP_CODE * share).clip(0, _TOP_CODE).astype(np.uint16)
