"""Shapes and neutral by known weights and poses: linear least squares, in two closed blocks.

First the smooth part of all shapes together, by conjugate gradients on the normal equations with
the neutral eliminated; then what each vertex does by itself, which is a small ridge regression.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien_training.rig.from_meshes.shape_fields import ShapeFields

__all__ = ["NEUTRAL_SPREAD_M", "solve_detail", "solve_fields", "solve_neutral"]

Float64Array = NDArray[np.float64]

NEUTRAL_SPREAD_M = 0.03
"""Spread of a neutral's vertex about the template's: as good as free."""
_CHUNK = 1000


def solve_fields(
    fields: ShapeFields, vertex: NDArray[np.intp], weights: Float64Array, residual: Float64Array,
    worth: Float64Array, start: Float64Array, steps: int = 12, tolerance: float = 1e-4,
) -> Float64Array:  # fmt: skip
    """(K, M, 3) coefficients that minimise the error of the points plus their own squares.

    residual (T, P, 3) metres: meshes in rig space, less template neutral and the template's shapes
    by `weights` (T, K); worth (T, P), 1/m^2; start (K, M, 3). Ends after `steps`, or when the
    preconditioned residual is `tolerance` of the start's right-hand side.
    """
    total = worth.sum(0) + 1 / NEUTRAL_SPREAD_M**2

    def resisted(moved: Float64Array) -> Float64Array:
        """(T, P, 3) the force against (T, P, 3) displacements, the neutral giving way."""
        force = worth[..., None] * moved
        neutral = force.sum(0) / total[:, None]
        return np.asarray(force - worth[..., None] * neutral)

    def upon_shapes(force: Float64Array) -> Float64Array:
        return fields.adjoint(np.tensordot(weights.T, force, 1), vertex)

    def normal(a: Float64Array) -> Float64Array:
        moved = np.tensordot(weights, fields.changes(a, vertex), 1)
        return upon_shapes(resisted(moved)) + a

    stiffness = 1 + fields.curvature(weights.T**2 @ worth, vertex)
    return _conjugate_gradients(normal, upon_shapes(resisted(residual)), stiffness, start, steps,
                                tolerance)  # fmt: skip


def solve_neutral(residual: Float64Array, worth: Float64Array) -> Float64Array:
    """(P, 3) change of the template's neutral, metres.

    residual (T, P, 3): meshes in rig space, less the template's neutral and all shapes by the
    weights; worth (T, P), 1/m^2.
    """
    force = np.einsum("tp,tpx->px", worth, residual)
    return np.asarray(force / (worth.sum(0) + 1 / NEUTRAL_SPREAD_M**2)[:, None])


def solve_detail(
    weights: Float64Array, residual: Float64Array, worth: Float64Array, spread_m: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(V, 3) and (K, V, 3) changes of neutral and shapes, vertex by vertex, metres.

    residual (T, V, 3) metres: meshes in rig space, less the rig by `weights` (T, K); worth (T, V),
    1/m^2; spread_m (K, V) of the shapes' changes beforehand.
    """
    shapes, count = spread_m.shape
    columns = np.concatenate([weights, np.ones((len(weights), 1))], 1)
    pairs = np.einsum("ti,tj->tij", columns, columns).reshape(len(columns), -1)
    neutral, deltas = np.empty((count, 3)), np.empty((shapes, count, 3))
    for first in range(0, count, _CHUNK):
        some = slice(first, first + _CHUNK)
        here = worth[:, some]
        size = np.concatenate(
            [spread_m[:, some].T, np.full((here.shape[1], 1), NEUTRAL_SPREAD_M)], 1
        )
        gram = (here.T @ pairs).reshape(-1, shapes + 1, shapes + 1)
        matrix = np.eye(shapes + 1) + size[:, :, None] * gram * size[:, None, :]
        force = np.einsum("ti,tvx->vix", columns, here[..., None] * residual[:, some])
        found = size[..., None] * np.linalg.solve(matrix, size[..., None] * force)
        neutral[some], deltas[:, some] = found[:, -1], found[:, :-1].swapaxes(0, 1)
    return neutral, deltas


def _conjugate_gradients(
    normal: Callable[[Float64Array], Float64Array], rhs: Float64Array, stiffness: Float64Array,
    start: Float64Array, steps: int, tolerance: float,
) -> Float64Array:  # fmt: skip
    """normal(x) = rhs, preconditioned by a diagonal (Shewchuk 1994, section B3)."""
    x, residual = start.copy(), rhs - normal(start)
    scaled = residual / stiffness
    direction, size = scaled, float((residual * scaled).sum())
    end = tolerance**2 * float((rhs * rhs / stiffness).sum())
    for _ in range(steps):
        if size <= end:
            break
        pushed = normal(direction)
        rate = size / float((direction * pushed).sum())
        x = x + rate * direction
        residual = residual - rate * pushed
        scaled = residual / stiffness
        new = float((residual * scaled).sum())
        direction, size = scaled + new / size * direction, new
    return x
