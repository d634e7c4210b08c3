"""The nearest point of a triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import InputError
from mien_training.geometry.self_intersection import Float64Array, Int64Array, checked_mesh

__all__ = ["NearestPoints", "nearest_on_surface"]


@dataclass(frozen=True, eq=False)
class NearestPoints:
    """Where on the surface each of P points is nearest."""

    triangle: Int64Array
    """(P,) index of the triangle."""
    positions: Float64Array
    """(P, 3) the point on it, in the vertices' unit."""
    distance: Float64Array
    """(P,) how far away, not signed."""
    barycentric: Float64Array
    """(P, 3) weights of the triangle's corners at the point, summing to 1."""


def nearest_on_surface(
    vertices: ArrayLike, triangles: ArrayLike, points: ArrayLike
) -> NearestPoints:
    """For (P, 3) points on a mesh of (V, 3) vertices and (F, 3) triangles, all in one unit.

    Found in single precision, measured in double. Raises InputError for other shapes.
    """
    import warp as wp

    from mien_training.geometry.query_kernels import nearest_kernel

    corners, faces = checked_mesh("nearest_on_surface", vertices, triangles)
    at = np.asarray(points, np.float64)
    if at.ndim != 2 or at.shape[1] != 3 or not np.isfinite(at).all():
        raise InputError(f"nearest_on_surface: points {at.shape}, expected (P, 3), finite")
    if len(faces) == 0:
        raise InputError("nearest_on_surface: no triangles, expected at least one")
    origin = corners[faces].mean((0, 1))  # single precision is best near zero
    everything = np.concatenate([corners[faces].reshape(-1, 3), at]) - origin
    reach = 2 * float(np.abs(everything).sum(1).max()) + 1e-6
    with wp.ScopedDevice("cpu"):
        mesh = wp.Mesh(
            wp.array((corners - origin).astype(np.float32), dtype=wp.vec3),
            wp.array(faces.astype(np.int32).reshape(-1), dtype=int),
        )
        where = wp.array((at - origin).astype(np.float32), dtype=wp.vec3)
        face, share = wp.zeros(len(at), dtype=int), wp.zeros(len(at), dtype=wp.vec2)
        wp.launch(nearest_kernel, dim=len(at), inputs=[mesh.id, where, reach, face, share])
        found = np.asarray(face.numpy(), np.int64)
        uv = np.asarray(share.numpy(), np.float64)
    weights = np.column_stack([uv, 1 - uv.sum(1)])
    positions = np.einsum("pc,pcx->px", weights, corners[faces[found]])
    return NearestPoints(found, positions, np.linalg.norm(positions - at, axis=1), weights)
