"""A flat mesh without folds relaxed towards the shapes that its triangles should have.

Scalable locally injective mappings (Rabinovich, Poranne, Panozzo, Sorkine-Hornung 2017): the
symmetric Dirichlet energy sum_f A_f (|J|^2 + |J^-1|^2) by reweighted local and global steps. It is
infinite at a fold, so none ever appears.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bmat, coo_matrix, csr_matrix, diags
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
    count = len(flat)
    gradient = _gradients(corners, shapes, count)
    x = flat.copy()
    energy = _energy(_jacobians(gradient, x), weights)
    for _ in range(rounds):
        jacobian = _jacobians(gradient, x)
        u, s, vt = np.linalg.svd(jacobian)
        s = s.clip(1e-9)
        # D'(s) = 2 (s - s^-3), so that its proxy's weight is (s - s^-3) / (s - 1).
        w = (1 + 1 / s) * (1 + 1 / s**2)
        m = weights[:, None, None] * (u * w[:, None]) @ u.transpose(0, 2, 1)
        target = m @ (u @ vt)
        blocks = [
            [sum(g.T @ diags(m[:, i, j]) @ g for g in gradient) for j in range(2)] for i in range(2)
        ]
        right = np.stack(
            [sum(g.T @ target[:, i, c] for c, g in enumerate(gradient)) for i in range(2)]
        )
        step = _solve(blocks, right, x, free)
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
    inverse = np.linalg.inv(shapes)  # edges @ gradient = differences
    rows = np.repeat(np.arange(len(corners)), 3)
    found = []
    for c in range(2):
        values = np.stack([-inverse[:, c].sum(1), inverse[:, c, 0], inverse[:, c, 1]], 1)
        found.append(
            coo_matrix((values.ravel(), (rows, corners.ravel())), (len(corners), count)).tocsr()
        )
    return found


def _jacobians(gradient: list[csr_matrix], x: Float64Array) -> Float64Array:
    """(m, 2, 2) of places by wanted places."""
    return np.stack([g @ x for g in gradient], 2)


def _energy(jacobian: Float64Array, weights: Float64Array) -> float:
    squared = (jacobian**2).sum((1, 2))
    area = jacobian[:, 0, 0] * jacobian[:, 1, 1] - jacobian[:, 0, 1] * jacobian[:, 1, 0]
    if (area <= 0).any():
        return np.inf
    return float((weights * squared * (1 + 1 / area**2)).sum())


def _solve(
    blocks: list[list[csr_matrix]], right: Float64Array, x: Float64Array, free: int
) -> Float64Array:
    """(n, 2) change of the free places that fulfils the normal equations."""
    matrix = bmat([[b[:free, :free] for b in row] for row in blocks]).tocsc()
    rest = [right[i] - sum(blocks[i][j] @ x[:, j] for j in range(2)) for i in range(2)]
    ridge = 1e-12 * matrix.diagonal().max()
    factor = splu(
        matrix + ridge * diags(np.ones(2 * free)).tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )  # fmt: skip
    change = np.zeros_like(x)
    change[:free] = factor.solve(np.concatenate([r[:free] for r in rest])).reshape(2, free).T
    return change


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
