"""The numbers that splat files hold instead of colours, opacities and rotations of any length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.avatar.splats import Splats
from mien.rotation import IDENTITY, unit_quaternion

__all__ = ["SH_0", "colour_from_sh", "logit", "sh_from_colour", "sigmoid", "unit_rotations"]

Float32Array = NDArray[np.float32]

SH_0 = 0.28209479177387814
"""The spherical harmonic of degree 0, 1 / (2 sqrt(pi))."""
_LEAST = 1e-6
"""Of opacity and its complement: what a logit can say; 4,000 times below what is drawn."""


def sh_from_colour(colours: NDArray[Any]) -> Float32Array:
    """Coefficient of degree 0 of display codes over 255, as Kerbl et al. 2023 store colours.

    >>> import numpy as np
    >>> sh_from_colour(np.array([0.5, 1.0])).round(3).tolist()
    [0.0, 1.7719999551773071]
    """
    return np.asarray((np.asarray(colours, np.float64) - 0.5) / SH_0, np.float32)


def colour_from_sh(coefficients: NDArray[Any]) -> Float32Array:
    """The inverse of `sh_from_colour`."""
    return np.asarray(np.asarray(coefficients, np.float64) * SH_0 + 0.5, np.float32)


def logit(opacities: NDArray[Any]) -> Float32Array:
    """log(o / (1 - o)), o within 1e-6 of 0 and 1 taken for that."""
    o = np.clip(np.asarray(opacities, np.float64), _LEAST, 1 - _LEAST)
    return np.asarray(np.log(o / (1 - o)), np.float32)


def sigmoid(logits: NDArray[Any]) -> Float32Array:
    """The inverse of `logit`."""
    x = np.asarray(logits, np.float64)
    half = np.exp(-np.abs(x))  # of the smaller side: never overflows
    return np.asarray(np.where(x < 0, half, 1.0) / (1.0 + half), np.float32)


def unit_rotations(splats: Splats) -> NDArray[np.float64]:
    """(N, 4) xyzw of length 1 with w >= 0; of length 0 there is none."""
    turned = splats.rotations.any(axis=1, keepdims=True)
    return unit_quaternion(np.where(turned, splats.rotations, IDENTITY))
