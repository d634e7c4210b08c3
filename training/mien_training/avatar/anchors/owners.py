"""Which triangle owns which texel: that under its centre, and one texel for each that is seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["give_texels"]

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]

_REACH = 6
"""Texels from its middle within which a small triangle may take one."""


def give_texels(
    owner: Int32Array, places: Float32Array, wanting: NDArray[np.bool_], size: int
) -> tuple[Int32Array, Float32Array]:
    """(size^2,) owners, -1 none, and (size^2, 3) weights of their corners there.

    owner (size^2,) of each texel's centre; places (F, 3, 2) corners on the atlas; wanting (F,):
    triangles that should own a texel. One that misses all centres takes the nearest that its owner
    can spare, or that nobody owns; the weights are those of its point nearest that centre. With
    less than two texels for each that wants one the centres alone decide: an atlas so coarse
    cannot serve all, and would lose its order.
    """
    owner = owner.copy()
    if (owner >= 0).sum() < 2 * wanting.sum():
        wanting = np.zeros_like(wanting)
    owned = np.bincount(owner[owner >= 0], minlength=len(places))
    middle = places.mean(1) * size
    near = np.stack(np.meshgrid(*[np.arange(-_REACH, _REACH + 1)] * 2), -1).reshape(-1, 2)
    for f in np.flatnonzero(wanting & (owned == 0)):
        around = np.floor(middle[f]).astype(int) + near
        around = around[((around >= 0) & (around < size)).all(1)]
        distance = ((around + 0.5 - middle[f]) ** 2).sum(1)
        for k in np.argsort(distance, kind="stable"):
            texel = int(around[k, 1]) * size + int(around[k, 0])
            holder = int(owner[texel])
            if holder < 0 or owned[holder] > 1:
                owner[texel] = f
                owned[f] = 1
                if holder >= 0:
                    owned[holder] -= 1
                break
    bary = np.zeros((size * size, 3), np.float32)
    held = np.flatnonzero(owner >= 0)
    centre = np.stack([held % size, held // size], 1) + 0.5
    bary[held] = _nearest_weights(places[owner[held]].astype(np.float64), centre / size)
    return owner, bary


def _nearest_weights(p: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) weights of the points of triangles (N, 3, 2) nearest places (N, 2)."""
    first, second, there = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0], at - p[:, 0]
    double = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    b = (there[:, 0] * second[:, 1] - there[:, 1] * second[:, 0]) / double
    c = (first[:, 0] * there[:, 1] - first[:, 1] * there[:, 0]) / double
    weights = np.stack([1 - b - c, b, c], 1)
    outside = np.flatnonzero(weights.min(1) < 0)
    best = np.full(len(outside), np.inf)
    for one, two in ((0, 1), (1, 2), (2, 0)):
        begin, along = p[outside, one], p[outside, two] - p[outside, one]
        share = ((at[outside] - begin) * along).sum(1) / np.maximum((along**2).sum(1), 1e-18)
        share = share.clip(0.0, 1.0)
        distance = ((begin + share[:, None] * along - at[outside]) ** 2).sum(1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        found = np.zeros((len(outside), 3))
        found[:, one], found[:, two] = 1 - share, share
        weights[outside[nearer]] = found[nearer]
    return weights
