"""Pose, and coefficients of a linear shape, that bring points onto rays or onto each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

__all__ = ["AlignmentFit", "robust_alignment", "robust_weight"]

Float64Array = NDArray[np.float64]

_HALVINGS = 6
_STILL = 1e-9
"""Relative fall of the objective below which nothing more is to be gained."""


@dataclass(frozen=True, eq=False)
class AlignmentFit:
    """world = rotation @ (points + bases @ coefficients) + translation."""

    rotation: Float64Array
    """(3, 3)."""
    translation: Float64Array
    """(3,) metres."""
    coefficients: Float64Array
    """(K,)."""
    residuals: Float64Array
    """(N,) metres, distances."""
    objective: Float64Array
    """(I,) after each step, the start's first; it never rises."""


@dataclass(frozen=True, eq=False)
class _State:
    rotation: Float64Array
    translation: Float64Array
    coefficients: Float64Array


def robust_weight(residuals: Float64Array, scale_m: float) -> Float64Array:
    """Weights of iterated least squares for Geman and McClure's s^2 d^2 / (s^2 + d^2)."""
    return np.asarray(1 / (1 + (residuals / scale_m) ** 2) ** 2)


def robust_alignment(
    points: Float64Array,
    bases: Float64Array,
    projectors: Float64Array,
    targets: Float64Array,
    weights: Float64Array,
    ridge: Float64Array,
    start: tuple[Float64Array, Float64Array, Float64Array],
    scale_m: float,
    steps: int,
) -> AlignmentFit:
    """Gauss-Newton over sum_n w_n rho(|P_n (world_n - target_n)|) + sum_k ridge_k c_k^2.

    points (N, 3), bases (N, 3, K), metres; projectors (N, 3, 3): I - d d^T of rays, or I of plain
    points; targets (N, 3), weights (N,), ridge (K,); start: rotation, translation and
    coefficients; rho: Geman and McClure's, with `scale_m`. A step that would raise the objective
    is halved until it does not, or is the last.
    """
    state = _State(*start)
    off, cost = _residuals(state, points, bases, projectors, targets, weights, ridge, scale_m)
    history = [cost]
    for _ in range(steps):
        step = _step(state, off, points, bases, projectors, weights, ridge, scale_m)
        for _ in range(_HALVINGS):
            tried = _moved(state, step, points, bases)
            new_off, new = _residuals(
                tried, points, bases, projectors, targets, weights, ridge, scale_m
            )
            if new <= cost:
                break
            step = step / 2
        else:
            break
        fell = cost - new
        state, off, cost = tried, new_off, new
        history.append(cost)
        if fell <= _STILL * cost:
            break
    return AlignmentFit(
        state.rotation, state.translation, state.coefficients,
        np.linalg.norm(off, axis=1), np.array(history),
    )  # fmt: skip


def _placed(state: _State, points: Float64Array, bases: Float64Array) -> Float64Array:
    """(N, 3) in the world."""
    shaped = points + bases @ state.coefficients
    return np.asarray(shaped @ state.rotation.T + state.translation)


def _residuals(
    state: _State,
    points: Float64Array,
    bases: Float64Array,
    projectors: Float64Array,
    targets: Float64Array,
    weights: Float64Array,
    ridge: Float64Array,
    scale_m: float,
) -> tuple[Float64Array, float]:
    """(N, 3) offsets and the objective."""
    off = np.einsum("nij,nj->ni", projectors, _placed(state, points, bases) - targets)
    d2 = (off**2).sum(1)
    robust = scale_m**2 * d2 / (scale_m**2 + d2)
    return off, float(weights @ robust + ridge @ state.coefficients**2)


def _step(
    state: _State,
    off: Float64Array,
    points: Float64Array,
    bases: Float64Array,
    projectors: Float64Array,
    weights: Float64Array,
    ridge: Float64Array,
    scale_m: float,
) -> Float64Array:
    """(6 + K,) rotation vector about the points' middle, translation, coefficients."""
    placed = _placed(state, points, bases)
    arm = placed - placed.mean(0)
    count = bases.shape[2]
    root = np.sqrt(weights * robust_weight(np.linalg.norm(off, axis=1), scale_m))
    across = root[:, None, None] * projectors
    change = np.empty((len(points), 3, 6 + count))
    change[:, :, :3] = np.cross(arm[:, None], across)  # across times (axis x arm)
    change[:, :, 3:6] = across
    np.matmul(across @ state.rotation, bases, out=change[:, :, 6:])
    rows = change.reshape(-1, 6 + count)
    hessian, rhs = rows.T @ rows, rows.T @ (root[:, None] * off).ravel()
    hessian[range(6, 6 + count), range(6, 6 + count)] += ridge
    rhs[6:] += ridge * state.coefficients
    return np.asarray(-np.linalg.lstsq(hessian, rhs, rcond=1e-12)[0])


def _moved(state: _State, step: Float64Array, points: Float64Array, bases: Float64Array) -> _State:
    middle = _placed(state, points, bases).mean(0)
    turn = Rotation.from_rotvec(step[:3]).as_matrix()
    return _State(
        turn @ state.rotation,
        turn @ (state.translation - middle) + middle + step[3:6],
        state.coefficients + step[6:],
    )
