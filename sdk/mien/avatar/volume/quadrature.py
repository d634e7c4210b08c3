"""Where along its rays a volume is asked, and what they gather (NeRF, Mildenhall et al. 2020)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cell_lengths", "even_samples", "gather", "weighted_samples"]

Float32Array = NDArray[np.float32]
_FLOOR = 0.01
"""Weight of every cell's share of the length, so that what seems empty is looked at again."""


def even_samples(near: Float32Array, far: Float32Array, count: int) -> Float32Array:
    """(R, count) the middles of equal parts of near..far (R,), growing."""
    place = ((np.arange(count) + 0.5) / count).astype(np.float32)
    return np.asarray(near[:, None] + (far - near)[:, None] * place)


def cell_lengths(t: Float32Array, near: Float32Array, far: Float32Array) -> Float32Array:
    """(R, N) of the parts of near..far (R,) that lie nearest to each of the samples t (R, N),
    metres along the ray, growing."""
    edges = np.empty((len(t), t.shape[1] + 1), np.float32)
    edges[:, 0], edges[:, -1] = near, far
    edges[:, 1:-1] = 0.5 * (t[:, 1:] + t[:, :-1])
    return np.diff(edges, axis=1)


def gather(density: Float32Array, lengths: Float32Array) -> Float32Array:
    """(R, N) share of the light that each cell of constant density (R, N), per metre, gives; the
    nearest first (equation 3). lengths (R, N): of the ray within each, metres."""
    depth = density * lengths
    before = np.cumsum(depth, 1) - depth
    return np.asarray(np.exp(-before) * -np.expm1(-depth), np.float32)


def weighted_samples(
    near: Float32Array, lengths: Float32Array, weights: Float32Array, count: int
) -> Float32Array:
    """(R, count) from cells in proportion to their weights (R, N) (section 5.2), growing: the
    middles of equal parts of the whole weight. The cells begin at near (R,), with lengths (R, N).
    """
    span = np.maximum(lengths.sum(1, keepdims=True), 1e-12)
    own = weights + _FLOOR * lengths / span + 1e-9
    own /= own.sum(1, keepdims=True)
    mass = np.cumsum(own, 1)
    wanted = ((np.arange(count) + 0.5) / count).astype(np.float32)
    cell = (mass[:, None, :] < wanted[:, None]).sum(2).clip(max=mass.shape[1] - 1)
    upper, part = (np.take_along_axis(a, cell, 1) for a in (mass, own))
    share = ((wanted - upper + part) / part).clip(0, 1)
    begin = near[:, None] + np.cumsum(lengths, 1) - lengths
    found = np.take_along_axis(begin, cell, 1) + share * np.take_along_axis(lengths, cell, 1)
    return np.asarray(found, np.float32)
