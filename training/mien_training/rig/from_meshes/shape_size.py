"""How large a shape is: what meshes leave open, as half the shape at twice the weight is the same.

The convention: a shape is as large as the template's, so that scores and animation made for the
template keep their meaning; unless a moment shows more of it than that, and then its largest weight
is 1. So weights stay within 0..1, and all that was seen can be animated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["shape_sizes"]

Float64Array = NDArray[np.float64]

_WITHIN = (0.5, 2.0)
"""No person's shape is smaller or larger than this, in sizes of the template's."""


def shape_sizes(
    weights: Float64Array, deltas: NDArray[np.floating], template: NDArray[np.floating]
) -> Float64Array:
    """(K,) numbers to divide shapes by, and to multiply weights with.

    weights (T, K) 0..1; deltas, template (K, V, 3), over the same vertices. The projection of each
    shape on the template's (1 where that does not move), or less where the weights would leave
    0..1.
    """
    own = np.square(template, dtype=np.float64).sum((1, 2))
    along = np.einsum("kvx,kvx->k", deltas, template, dtype=np.float64)
    size = np.where(own > 0, along / np.where(own > 0, own, 1.0), 1.0).clip(*_WITHIN)
    largest = weights.max(0, initial=0.0)
    return np.asarray(np.minimum(size, 1 / np.maximum(largest, 1e-6)))
