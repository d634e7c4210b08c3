"""Motion as a few shapes with weights of 0 to 1: what morph targets can play."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrincipalShapes", "principal_shapes"]

Float32Array = NDArray[np.float32]

_MOST_MOMENTS = 1500
"""From which the shapes are worked out; evenly taken from more."""
_STILL_M = 2e-6
"""A shape that moves no vertex that far is none."""


@dataclass(frozen=True, eq=False)
class PrincipalShapes:
    """Vertices of moment t: base + sum_k weights[t, k] * deltas[k]."""

    base: Float32Array
    """(V, 3) metres: the mean of all moments."""
    deltas: Float32Array
    """(K, V, 3) metres, at weight 1."""
    weights: Float32Array
    """(T, K) 0..1, each reaching 1 in some moment."""
    error_m: float
    """Root mean square distance from the vertices that were given."""


def principal_shapes(
    meshes: Float32Array, most: int = 48, error_m: float = 5e-5
) -> PrincipalShapes:
    """As few components of (T, V, 3) meshes as come within `error_m` root mean square, at most
    `most` (principal component analysis).

    Weights of components may be of either sign and any size, which engines clamp: each becomes two
    shapes, of what is above the mean and of what is below, with weights of 0 to 1.
    """
    count = len(meshes)
    flat = meshes.reshape(count, -1).astype(np.float64)
    mean = flat.mean(0)
    some = np.unique(np.linspace(0, count - 1, min(count, _MOST_MOMENTS)).astype(int))
    centred = flat[some] - mean
    # Moments are fewer than coordinates: eigenvectors of the small Gram matrix do.
    values, vectors = np.linalg.eigh(centred @ centred.T)
    values, vectors = values[::-1].clip(0), vectors[:, ::-1]
    left = values.sum() - np.cumsum(values)
    tolerated = error_m**2 * (flat.shape[1] / 3) * len(some)
    enough = int((left > tolerated).sum()) + 1
    real = int((values > 1e-12 * max(values[0], 1e-30)).sum())
    kept = max(min(enough, most, real, len(some) - 1), 0)
    axes = centred.T @ vectors[:, :kept] / np.sqrt(values[:kept])
    weights = (flat - mean) @ axes
    signs = np.repeat([1.0, -1.0], kept)
    halves = (np.tile(weights, 2) * signs).clip(0)
    reach = halves.max(0, initial=0.0)
    moving = np.abs(np.tile(axes, 2)).max(0, initial=0.0) * reach > _STILL_M
    halves, reach = halves[:, moving], reach[moving]
    deltas = (np.tile(axes, 2) * signs)[:, moving] * reach
    shares = halves / reach
    off = flat - mean - shares @ deltas.T
    error = float(np.sqrt(3 * np.square(off).mean()))
    shape = meshes.shape[1:]
    return PrincipalShapes(
        mean.reshape(shape).astype(np.float32),
        deltas.T.reshape(-1, *shape).astype(np.float32),
        shares.astype(np.float32),
        error,
    )
