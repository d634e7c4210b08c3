"""A basis that leaves open what a real face has beside drawn folds.

Drawn skin has the folds that its generator knows. What a scan shows beside them widens what the
basis leaves open, texel by texel, and no mode.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.detail.basis.detail_basis import DetailBasis

__all__ = ["widened"]

_AROUND = 8.0
"""Standard deviation of the neighbourhood in which relief's size is measured, texels."""


def widened(basis: DetailBasis, height: NDArray[np.floating], blur: float = 12.0) -> DetailBasis:
    """The basis, what it leaves open of the part at rest being at least as large as what it lacks
    of a real face's `height` (S, S) and of its mirror image, coarser than `blur` texels apart."""
    fine = height - ndimage.gaussian_filter(height, blur)
    squares = []
    for image in (fine, fine[:, ::-1]):
        given = image.reshape(-1)[basis.texel]
        lacking = given - basis.parts[0].heights(basis.parts[0].coefficients(given))
        squares.append(ndimage.gaussian_filter(basis.image(lacking) ** 2, _AROUND))
    variance = np.mean(squares, 0).reshape(-1)[basis.texel]
    pairs = np.einsum("ikn,jkn->nij", basis.rest, basis.rest).astype(np.float64)
    pairs[:, 0, 0] = np.maximum(pairs[:, 0, 0], variance)
    rest = np.linalg.cholesky(pairs).transpose(1, 2, 0)
    return replace(basis, rest=np.ascontiguousarray(rest, np.float32))
