"""How far from a surface a point lies, and on which side, for surfaces that need not be closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mien.errors import InputError
from mien_training.geometry.self_intersection import Float64Array, checked_mesh

__all__ = ["signed_distance"]


def signed_distance(vertices: ArrayLike, triangles: ArrayLike, points: ArrayLike) -> Float64Array:
    """(P,) distance of (P, 3) points to a surface, negative inside, in the vertices' unit.

    Inside is where the winding number exceeds one half, so holes and self-intersections do no
    harm; accurate to single precision. Raises InputError for other shapes.
    """
    import warp as wp

    from mien_training.geometry.query_kernels import signed_distance_kernel

    corners, faces = checked_mesh("signed_distance", vertices, triangles)
    at = np.asarray(points, np.float64)
    if at.ndim != 2 or at.shape[1] != 3:
        raise InputError(f"signed_distance: points {at.shape}, expected (P, 3)")
    if len(faces) == 0:
        raise InputError("signed_distance: no triangles, expected at least one")
    origin = corners[faces].mean((0, 1))  # single precision is best near zero
    reach = 2 * float(
        np.abs(np.concatenate([corners[faces].reshape(-1, 3), at]) - origin).sum(1).max()
    )
    mesh = wp.Mesh(
        wp.array((corners - origin).astype(np.float32), dtype=wp.vec3, device="cpu"),
        wp.array(faces.astype(np.int32).reshape(-1), dtype=int, device="cpu"),
        support_winding_number=True,
    )
    out = wp.zeros(len(at), dtype=float, device="cpu")
    where = wp.array((at - origin).astype(np.float32), dtype=wp.vec3, device="cpu")
    wp.launch(
        signed_distance_kernel, dim=len(at), inputs=[mesh.id, where, reach, out], device="cpu"
    )
    return np.asarray(out.numpy(), np.float64)
