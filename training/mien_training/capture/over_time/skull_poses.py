"""Rigid poses from what moves with the skull: what is left of the motion is the face's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError

__all__ = ["align_to_skull", "skull_poses"]

Float64Array = NDArray[np.float64]

_ROUNDS = 6
_SCALE_M = 0.004
"""Vertices farther than this from where the skull would have them lose their say."""


def align_to_skull(vertices: ArrayLike, skull: ArrayLike, weights: ArrayLike) -> Float64Array:
    """(T, 4, 4) world_from_head that lay a skull (S, 3) onto vertices (T, S, 3) of the world.

    Weighted least squares in closed form (Umeyama 1991, equations 40 to 42), iterated with Geman
    and McClure's weights at 4 mm, so that brows and hair that moved after all have no say.
    weights (S,) or (T, S), >= 0. Raises InputError for other shapes, fewer than three vertices, or
    numbers that are not finite.
    """
    at, rest = np.asarray(vertices, np.float64), np.asarray(skull, np.float64)
    if at.ndim != 3 or rest.shape != at.shape[1:] or at.shape[2] != 3 or len(rest) < 3:
        raise InputError(
            f"align_to_skull: vertices {at.shape}, skull {rest.shape}, expected (T, S, 3) and "
            "(S, 3), at least three"
        )
    if not (np.isfinite(at).all() and np.isfinite(rest).all()):
        raise InputError("align_to_skull: vertices or skull are not finite")
    given = np.broadcast_to(np.asarray(weights, np.float64), at.shape[:2])
    if not (np.isfinite(given).all() and (given >= 0).all() and (given.sum(1) > 0).all()):
        raise InputError("align_to_skull: weights, expected finite, >= 0, some above 0 everywhere")
    pose = np.tile(np.eye(4), (len(at), 1, 1))
    weight = given
    for _ in range(_ROUNDS):
        turn, shift = _rigid(rest, at, weight)
        off = np.linalg.norm(rest @ turn.transpose(0, 2, 1) + shift[:, None] - at, axis=2)
        weight = given / (1 + (off / _SCALE_M) ** 2) ** 2
        pose[:, :3, :3], pose[:, :3, 3] = turn, shift
    return pose


def skull_poses(
    vertices: ArrayLike, world_from_head: ArrayLike, weights: ArrayLike
) -> tuple[Float64Array, Float64Array]:
    """Poses (T, 4, 4) of a take, and the skull (S, 3) in head coordinates, metres.

    vertices (T, S, 3): those of the skull, world; world_from_head (T, 4, 4): poses to start from.
    Every moment is aligned to the mean of all, which is found along. The head frame stays the
    starting poses' on average. Raises InputError as `align_to_skull`, and without moments.
    """
    at, start = np.asarray(vertices, np.float64), np.asarray(world_from_head, np.float64)
    if start.shape != (len(at), 4, 4) or not len(at):
        raise InputError(
            f"skull_poses: world_from_head {start.shape}, expected ({len(at)}, 4, 4), at least one"
        )
    every = np.broadcast_to(np.asarray(weights, np.float64), at.shape[:2])
    if not np.isfinite(start).all():
        raise InputError("skull_poses: world_from_head is not finite")
    share = every / np.maximum(every.sum(0), 1e-12)
    share[:, every.sum(0) <= 0] = 1 / len(at)
    pose = start
    for _ in range(_ROUNDS):
        skull = np.einsum("ts,tsx->sx", share, in_head(at, pose))
        pose = align_to_skull(at, skull, every)
    # Head and skull may turn together: the mean of what changed is given back.
    changed = start.transpose(0, 2, 1)[:, :3, :3] @ pose[:, :3, :3]
    turn = Rotation.from_matrix(changed).mean().as_matrix().T
    shift = np.einsum("tji,tj->ti", start[:, :3, :3], pose[:, :3, 3] - start[:, :3, 3]).mean(0)
    back = np.eye(4)
    back[:3, :3], back[:3, 3] = turn, -turn @ shift
    return pose @ back, (skull - back[:3, 3]) @ turn


def in_head(vertices: Float64Array, world_from_head: Float64Array) -> Float64Array:
    """(T, S, 3) vertices of the world in head coordinates of (T, 4, 4)."""
    return np.asarray((vertices - world_from_head[:, None, :3, 3]) @ world_from_head[:, :3, :3])


def _rigid(
    source: Float64Array, target: Float64Array, weights: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(T, 3, 3) and (T, 3) from (S, 3) onto (T, S, 3)."""
    share = weights / weights.sum(1, keepdims=True)
    a = share @ source
    b = np.einsum("ts,tsx->tx", share, target)
    cross = np.einsum("ts,tsx,sy->txy", share, target - b[:, None], source, optimize=True)
    u, _, vt = np.linalg.svd(cross)
    sign = np.ones((len(target), 3))
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    turn = (u * sign[:, None]) @ vt
    return turn, b - np.einsum("txy,ty->tx", turn, a)
