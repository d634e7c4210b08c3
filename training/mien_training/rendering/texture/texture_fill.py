"""Texels that nobody has seen, from those around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["fill_unknown"]

_ENOUGH = 1e-3
"""Share of known texels, by weight, from which a neighbourhood has a colour."""


def fill_unknown(values: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(S, S, C) with unknown texels as the mean of known ones, of the nearest that there are.

    Means by Gaussian windows that double until they reach something known (normalised convolution:
    Knutsson and Westin 1993). known (S, S); without any, all is 0.
    """
    given = np.where(known[..., None], values, 0.0).astype(np.float32)
    filled, done = given.copy(), known.copy()
    sigma = 1.0
    while known.any() and not done.all():
        weight = ndimage.gaussian_filter(known.astype(np.float32), sigma, mode="nearest")
        total = ndimage.gaussian_filter(given, (sigma, sigma, 0), mode="nearest")
        new = ~done & (weight > (_ENOUGH if sigma < len(known) else 0.0))
        filled[new] = total[new] / weight[new, None]
        done |= new
        sigma *= 2
        if sigma > 4 * len(known):
            filled[~done] = given[known].mean(0)
            break
    return filled
