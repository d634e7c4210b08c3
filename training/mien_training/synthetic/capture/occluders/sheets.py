"""Meshes from grids of points: tubes, discs, and lofts through rings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["grid_triangles", "joined", "tube"]

Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]


def grid_triangles(rows: int, columns: int, closed: bool) -> Int32Array:
    """(F, 3) over a grid of rows x columns points, row by row; closed: its last column meets its
    first. Counter-clockwise for rows that go up, seen from where columns go right."""
    here = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    right = np.roll(here, -1, 1) if closed else here[:, 1:]
    left = here if closed else here[:, :-1]
    a, b, c, d = left[:-1], right[:-1], right[1:], left[1:]
    return np.stack([a, b, c, a, c, d], -1).reshape(-1, 3)


def tube(
    path: Float64Array, radius: Float64Array, sides: int = 6
) -> tuple[Float64Array, Int32Array]:
    """Vertices (N sides, 3) and triangles around a path (N, 3); radius (N,), metres."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    # Across a direction that the path hardly ever takes.
    helper = np.eye(3)[np.abs(along).max(0).argmin()]
    first = np.cross(along, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    second = np.cross(along, first)
    angle = np.arange(sides) * (2 * np.pi / sides)
    ring = (
        np.cos(angle)[None, :, None] * first[:, None]
        + np.sin(angle)[None, :, None] * second[:, None]
    )
    points = path[:, None] + radius[:, None, None] * ring
    return points.reshape(-1, 3), grid_triangles(len(path), sides, True)


def joined(
    parts: Sequence[tuple[Float64Array, Int32Array]],
) -> tuple[Float64Array, Int32Array]:
    """Several meshes as one."""
    starts = np.cumsum([0, *(len(points) for points, _ in parts)])
    faces = [faces + np.int32(start) for (_, faces), start in zip(parts, starts, strict=False)]
    return np.concatenate([points for points, _ in parts]), np.concatenate(faces)
