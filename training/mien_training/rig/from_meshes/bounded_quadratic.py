"""Many small quadratic problems with bounds, at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["minimise_bounded"]

Float64Array = NDArray[np.float64]

_STEPS = 80
_HALVINGS = 14
_SUFFICIENT = 1e-4


def minimise_bounded(
    hessian: ArrayLike, rhs: ArrayLike, low: ArrayLike, high: ArrayLike, start: ArrayLike,
    tolerance: float = 1e-9,
) -> Float64Array:  # fmt: skip
    """(T, N) x that minimise x . hessian x / 2 - rhs . x within low <= x <= high.

    hessian (T, N, N) symmetric positive definite, rhs (T, N), low and high (N,), which may be
    infinite, start (T, N). Projected Newton steps (Bertsekas 1982, "Projected Newton Methods for
    Optimization Problems with Simple Constraints"): unknowns that a bound holds are left out of
    each step. Ends when no unknown moves further than `tolerance`. Raises InputError for other
    shapes and for bounds that leave nothing between them.
    """
    h, g = np.asarray(hessian, np.float64), np.asarray(rhs, np.float64)
    below, above = np.asarray(low, np.float64), np.asarray(high, np.float64)
    size = g.shape[-1:]
    if g.ndim != 2 or h.shape != (*g.shape, *size) or {below.shape, above.shape} != {size}:
        raise InputError(
            f"minimise_bounded: hessian {h.shape}, rhs {g.shape}, bounds {below.shape} and "
            f"{above.shape}; expected (T, N, N), (T, N), (N,) and (N,)"
        )
    if not (below <= above).all():
        raise InputError("minimise_bounded: a lower bound lies above its upper bound")
    x = np.clip(np.asarray(start, np.float64), below, above)
    diagonal = np.arange(len(below))
    for _ in range(_STEPS):
        slope = np.einsum("tij,tj->ti", h, x) - g
        held = ((x <= below) & (slope > 0)) | ((x >= above) & (slope < 0))
        reduced = np.where(held[:, :, None] | held[:, None, :], 0.0, h)
        reduced[:, diagonal, diagonal] = np.where(held, 1.0, h[:, diagonal, diagonal])
        step = -np.linalg.solve(reduced, np.where(held, 0.0, slope)[..., None])[..., 0]
        moved = _projected(h, x, slope, step, below, above)
        change = float(np.abs(moved - x).max(initial=0.0))
        x = moved
        if change <= tolerance:
            break
    return x


def _projected(
    h: Float64Array, x: Float64Array, slope: Float64Array, step: Float64Array, low: Float64Array,
    high: Float64Array,
) -> Float64Array:  # fmt: skip
    """(T, N) after the longest of the halved steps that descends enough (Armijo), row by row."""
    found, open_rows, length = x.copy(), np.arange(len(x)), 1.0
    for _ in range(_HALVINGS):
        rows = open_rows
        tried = np.clip(x[rows] + length * step[rows], low, high)
        moved = tried - x[rows]
        descent = (slope[rows] * moved).sum(1)
        gain = descent + 0.5 * np.einsum("ti,tij,tj->t", moved, h[rows], moved)
        good = gain <= _SUFFICIENT * descent
        found[rows[good]] = tried[good]
        open_rows, length = rows[~good], 0.5 * length
        if not len(open_rows):
            break
    return found
