"""Heads as a linear space with a Gaussian prior: people, and what their faces do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["LinearHeads", "principal_components"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearHeads:
    """vertices = mean + sum_k c_k basis_k, c_k ~ N(0, variance_k)."""

    mean: Float32Array
    """(V, 3) metres, rig space."""
    basis: Float32Array
    """(K, V, 3) metres a unit."""
    variances: Float64Array
    """(K,) above 0."""

    def __post_init__(self) -> None:
        count = len(self.variances)
        if self.mean.ndim != 2 or self.basis.shape != (count, *self.mean.shape):
            raise InputError(
                f"LinearHeads: mean {self.mean.shape}, basis {self.basis.shape}, variances "
                f"{self.variances.shape}, expected (V, 3), (K, V, 3), (K,)"
            )
        if not (self.variances > 0).all():
            raise InputError("LinearHeads: variances must be above 0")

    def vertices(self, coefficients: ArrayLike) -> Float32Array:
        """(..., V, 3) metres, rig space, of (..., K) coefficients."""
        c = np.asarray(coefficients, np.float32)
        if c.shape[-1:] != self.variances.shape:
            raise InputError(
                f"LinearHeads: coefficients {c.shape}, expected (..., {len(self.variances)})"
            )
        return np.asarray(self.mean + np.tensordot(c, self.basis, 1), np.float32)

    def at(
        self, triangles: NDArray[np.integer], triangle: ArrayLike, barycentric: ArrayLike
    ) -> tuple[Float64Array, Float64Array]:
        """(N, 3) mean and (N, 3, K) basis at N places: triangles (F, 3), triangle (N,) index,
        barycentric (N, 3)."""
        corners = triangles[np.asarray(triangle)]
        weights = np.asarray(barycentric, np.float64)
        mean = np.einsum("nc,ncx->nx", weights, self.mean[corners])
        bases = np.zeros((len(corners), 3, len(self.basis)))
        for corner in range(3):
            part = self.basis[:, corners[:, corner]] * weights[:, corner, None]
            bases += part.transpose(1, 2, 0)
        return mean, bases


def principal_components(
    heads: ArrayLike, count: int
) -> tuple[Float32Array, Float32Array, Float64Array]:
    """Mean (V, 3), orthonormal components (K, V, 3) and variances (K,) of heads (N, V, 3).

    K is `count`, or fewer where the heads span less. Raises InputError for fewer than two heads.
    """
    samples = np.asarray(heads, np.float64)
    if samples.ndim != 3 or len(samples) < 2 or count < 1:
        raise InputError(
            f"principal_components: heads {samples.shape}, count {count}, expected (N, V, 3) with "
            "at least two heads, and 1 or more"
        )
    mean = samples.mean(0)
    flat = (samples - mean).reshape(len(samples), -1)
    # By the small matrix of inner products: heads are few, vertices many.
    values, vectors = np.linalg.eigh(flat @ flat.T)
    order = np.argsort(values)[::-1][:count]
    kept = order[values[order] > 1e-10 * max(values.max(), 1e-30)]
    components = vectors[:, kept].T @ flat / np.sqrt(values[kept])[:, None]
    return (
        mean.astype(np.float32),
        components.reshape(-1, *mean.shape).astype(np.float32),
        values[kept] / (len(samples) - 1),
    )
