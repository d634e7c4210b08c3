"""A flat mesh without folds relaxed towards the shapes that its triangles should have.

Scalable locally injective mappings (Rabinovich, Poranne, Panozzo, Sorkine-Hornung 2017): the
symmetric Dirichlet energy sum_f A_f (|J|^2 + |J^-1|^2) by reweighted local and global steps. It is
infinite at a fold, so none ever appears.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix, csr_matrix, diags
from scipy.sparse.linalg import splu

__all__ = ["relax"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_ENOUGH = 2e-3
"""Share of the energy above its minimum by which a round must at least improve it."""


def relax(
    flat: Float64Array,
    corners: Int64Array,
    shapes: Float64Array,
    weights: Float64Array,
    free: int,
    rounds: int,
) -> Float64Array:
    """(n, 2) better places, of which those from `free` on are kept.

    flat (n, 2) without folds; corners (m, 3) against the clock; shapes (m, 2, 2) the two edges that
    each triangle should have from its first corner; weights (m,) of the triangles.
    """
    gradient = _gradients(corners, shapes, len(flat))
    matrix_of = _normal_matrices(corners, shapes, free)
    x = flat.copy()
    energy = _energy(_jacobians(gradient, x), weights)
    for _ in range(rounds):
        jacobian = _jacobians(gradient, x)
        u, s, vt = np.linalg.svd(jacobian)
        s = s.clip(1e-9)
        # D'(s) = 2 (s - s^-3), so that its proxy's weight is (s - s^-3) / (s - 1).
        w = (1 + 1 / s) * (1 + 1 / s**2)
        m = weights[:, None, None] * (u * w[:, None]) @ u.transpose(0, 2, 1)
        left = m @ (u @ vt - jacobian)
        right = sum(g.T @ left[:, :, c] for c, g in enumerate(gradient))
        step = np.zeros_like(x)
        step[:free] = _solve(matrix_of(m), right[:free])
        size = min(1.0, 0.9 * _until_folded(x, step, corners))
        for _ in range(30):
            moved = x + size * step
            reached = _energy(_jacobians(gradient, moved), weights)
            if reached < energy:
                break
            size *= 0.6
        else:
            break
        x, before, energy = moved, energy, reached
        if before - energy < _ENOUGH * (energy - 4 * weights.sum()):
            break
    return x


def _gradients(corners: Int64Array, shapes: Float64Array, count: int) -> list[csr_matrix]:
    """d/dx and d/dy (m, count) of functions on the shapes wanted."""
    rows = np.repeat(np.arange(len(corners)), 3)
    return [
        coo_matrix((values.ravel(), (rows, corners.ravel())), (len(corners), count)).tocsr()
        for values in _corner_gradients(shapes)
    ]


def _corner_gradients(shapes: Float64Array) -> Float64Array:
    """(2, m, 3) share of each corner in d/dx and d/dy."""
    inverse = np.linalg.inv(shapes)  # edges @ gradient = differences
    return np.concatenate([-inverse.sum(2, keepdims=True), inverse], 2).transpose(1, 0, 2)


def _normal_matrices(
    corners: Int64Array, shapes: Float64Array, free: int
) -> Callable[[Float64Array], csc_matrix]:
    """From (m, 2, 2) what mixes the coordinates of each triangle to the normal equations of the
    free places, (2 free, 2 free): all x before all y. Only their numbers change between rounds."""
    products = np.einsum("cma,cmb->mab", *[_corner_gradients(shapes)] * 2)
    rows, columns = (
        np.broadcast_to(k, products.shape) for k in (corners[:, :, None], corners[:, None])
    )
    face, a, b = np.nonzero((rows < free) & (columns < free))
    rows, columns, products = rows[face, a, b], columns[face, a, b], products[face, a, b]
    axes = [(i, j) for i in range(2) for j in range(2)]
    places = (
        np.concatenate([rows + i * free for i, _ in axes]),
        np.concatenate([columns + j * free for _, j in axes]),
    )

    def matrix_of(mixing: Float64Array) -> csc_matrix:
        values = np.concatenate([mixing[face, i, j] * products for i, j in axes])
        return coo_matrix((values, places), (2 * free, 2 * free)).tocsc()

    return matrix_of


def _jacobians(gradient: list[csr_matrix], x: Float64Array) -> Float64Array:
    """(m, 2, 2) of places by wanted places."""
    return np.stack([g @ x for g in gradient], 2)


def _energy(jacobian: Float64Array, weights: Float64Array) -> float:
    squared = (jacobian**2).sum((1, 2))
    area = jacobian[:, 0, 0] * jacobian[:, 1, 1] - jacobian[:, 0, 1] * jacobian[:, 1, 0]
    if (area <= 0).any():
        return np.inf
    return float((weights * squared * (1 + 1 / area**2)).sum())


def _solve(matrix: csc_matrix, right: Float64Array) -> Float64Array:
    """(free, 2) change of places that fulfils the normal equations with `right` (free, 2)."""
    ridge = 1e-12 * matrix.diagonal().max()
    factor = splu(
        matrix + ridge * diags(np.ones(matrix.shape[0])).tocsc(), "MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0, options={"SymmetricMode": True},
    )  # fmt: skip
    return np.asarray(factor.solve(right.T.ravel()).reshape(2, -1).T)


def _until_folded(x: Float64Array, step: Float64Array, corners: Int64Array) -> float:
    """The smallest multiple of a step at which a triangle's area is nothing."""
    p, d = x[corners], step[corners]
    e, f = p[:, 1:] - p[:, :1], d[:, 1:] - d[:, :1]

    def cross(a: Float64Array, b: Float64Array) -> Float64Array:
        return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])

    c = cross(e[:, 0], e[:, 1])
    b = cross(e[:, 0], f[:, 1]) + cross(f[:, 0], e[:, 1])
    a = cross(f[:, 0], f[:, 1])
    inside = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
    real = b**2 - 4 * a * c >= 0
    # Of c + b t + a t^2 with c > 0: the stable form of the smaller positive root.
    q = -0.5 * (b + np.where(b >= 0, inside, -inside))
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.stack([q / a, c / q])
    roots = np.where(real & np.isfinite(roots) & (roots > 0), roots, np.inf)
    return float(roots.min())
