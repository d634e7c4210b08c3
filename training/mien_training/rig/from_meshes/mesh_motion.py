"""Weights and rigid pose of every moment, and how they follow from a rig."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien_training.geometry.alignment import fit_alignment
from mien_training.rig.from_meshes.bounded_quadratic import minimise_bounded

__all__ = ["MeshMotion", "WeightBelief", "fit_motion", "starting_poses"]

Float64Array = NDArray[np.float64]

_STILL = 0.3
"""Share of the points, those that shapes move least, that the first alignment looks at."""
_KEPT = 0.7
"""Share of these, the nearest, that its second pass keeps."""


@dataclass(frozen=True, eq=False)
class WeightBelief:
    """What is thought of T moments' weights before a mesh is looked at."""

    mean: Float64Array
    """(T, K) 0..1"""
    spread: Float64Array
    """(T, K) standard deviations, above 0."""


@dataclass(frozen=True, eq=False)
class MeshMotion:
    """T moments."""

    weights: Float64Array
    """(T, K) 0..1"""
    rotation: Float64Array
    """(T, 3, 3) of world_from_rig."""
    translation: Float64Array
    """(T, 3) metres."""

    def in_rig(self, world: Float64Array) -> Float64Array:
        """(T, P, 3) points of the world in rig space."""
        return np.asarray((world - self.translation[:, None]) @ self.rotation)

    def world_from_rig(self) -> Float64Array:
        """(T, 4, 4)."""
        moved = np.tile(np.eye(4), (len(self.weights), 1, 1))
        moved[:, :3, :3], moved[:, :3, 3] = self.rotation, self.translation
        return moved


def starting_poses(
    vertices: Float64Array, moving_m: Float64Array, world: Float64Array, worth: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(T, 3, 3) and (T, 3) world_from_rig by what shapes hardly move.

    vertices (P, 3) of the template, moving_m (P,) how far its shapes move them, world (T, P, 3),
    worth (T, P): of these, the better believed half counts in each moment.
    """
    still = np.flatnonzero(moving_m <= np.quantile(moving_m, _STILL))
    turns, shifts = [], []
    for points, trust in zip(world, worth, strict=True):
        some = still[trust[still] >= np.median(trust[still])]
        some = still if len(some) < 3 else some
        first = fit_alignment(vertices[some], points[some])
        off = np.linalg.norm(first.points(vertices[some]) - points[some], axis=1)
        near = some[off <= np.quantile(off, _KEPT)]
        found = fit_alignment(vertices[near], points[near]) if len(near) >= 3 else first
        turns.append(found.rotation)
        shifts.append(found.translation)
    return np.stack(turns), np.stack(shifts)


def fit_motion(
    neutral: Float64Array, deltas: Float64Array, world: Float64Array, worth: Float64Array,
    motion: MeshMotion, belief: WeightBelief, solve_pose: bool = True, least: float = 0.0,
) -> MeshMotion:  # fmt: skip
    """One Gauss-Newton step of weights, kept within least..1, and poses of all moments.

    neutral (P, 3), deltas (K, P, 3), world (T, P, 3), metres; worth (T, P) of each point, 1/m^2.
    """
    moments, shapes = motion.weights.shape
    offsets = np.tensordot(motion.weights, deltas, 1)
    residual = motion.in_rig(world) - neutral - offsets
    blended = deltas.transpose(1, 2, 0)
    unknowns = shapes + (6 if solve_pose else 0)
    hessian = np.zeros((moments, unknowns, unknowns))
    rhs = np.zeros((moments, unknowns))
    for t, local in enumerate(neutral + offsets):
        columns = np.concatenate([blended, _rigid(local)], 2) if solve_pose else blended
        jacobian = columns.reshape(-1, unknowns)
        weighted = np.repeat(worth[t], 3)[:, None] * jacobian
        hessian[t] = weighted.T @ jacobian
        rhs[t] = weighted.T @ residual[t].ravel()
    # In weights, not their changes: the bounds are theirs.
    rhs += np.einsum("tij,tj->ti", hessian[:, :, :shapes], motion.weights)
    stiff = 1 / belief.spread**2
    diagonal = np.arange(shapes)
    hessian[:, diagonal, diagonal] += stiff
    rhs[:, :shapes] += stiff * belief.mean
    free = np.full(unknowns - shapes, np.inf)
    start = np.concatenate([motion.weights, np.zeros((moments, len(free)))], 1)
    low, high = np.append(np.full(shapes, least), -free), np.append(np.ones(shapes), free)
    found = minimise_bounded(hessian, rhs, low, high, start)
    if not solve_pose:
        return MeshMotion(found, motion.rotation, motion.translation)
    turn, shift = found[:, shapes : shapes + 3], found[:, shapes + 3 :]
    moved = motion.translation + np.einsum("tij,tj->ti", motion.rotation, shift)
    rotation = motion.rotation @ Rotation.from_rotvec(turn).as_matrix()
    return MeshMotion(found[:, :shapes], rotation, moved)


def _rigid(points: Float64Array) -> Float64Array:
    """(P, 3, 6) how (P, 3) points move with a turn and a shift in their own axes."""
    x, y, z = points.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], 1).reshape(-1, 3, 3)
    return np.concatenate([cross, np.broadcast_to(np.eye(3), cross.shape)], 2)
