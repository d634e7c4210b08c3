"""Heights whose slopes are given, as a normal map gives them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["height_from_slopes"]


def height_from_slopes(slopes: NDArray[np.floating]) -> NDArray[np.float32]:
    """(S, S) heights of mean 0 whose slopes along u and v, per unit, are nearest to (2, S, S) in
    the least-squares sense (Frankot and Chellappa 1988, by cosines: no slope at the borders)."""
    side = slopes.shape[-1]
    along_u, along_v = np.asarray(slopes, np.float64) / side  # per texel
    divergence = np.zeros((side, side))
    between_u = 0.5 * (along_u[:, 1:] + along_u[:, :-1])
    between_v = 0.5 * (along_v[1:] + along_v[:-1])
    divergence[:, :-1] += between_u
    divergence[:, 1:] -= between_u
    divergence[:-1] += between_v
    divergence[1:] -= between_v
    waves = 2 * np.cos(np.pi * np.arange(side) / side) - 2
    laplacian = waves[:, None] + waves[None]
    laplacian[0, 0] = 1.0
    spectrum = fft.dctn(divergence, norm="ortho") / laplacian
    spectrum[0, 0] = 0.0
    return np.asarray(fft.idctn(spectrum, norm="ortho"), np.float32)
