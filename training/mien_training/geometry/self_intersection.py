"""Where a triangle mesh runs through itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["checked_mesh", "self_intersections"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_CHUNK = 1 << 16
"""Pairs tested at once; bounds the memory at some tens of megabytes."""
_RELATIVE_TOLERANCE = 1e-7


def self_intersections(
    vertices: ArrayLike, triangles: ArrayLike, tolerance: float | None = None
) -> Int64Array:
    """(K, 2) pairs i < j of triangles that cut through each other, sorted.

    vertices: (V, 3), any unit; triangles: (F, 3) indices. Pairs with a common vertex never count,
    nor does a mere touch: a pair that a shift by `tolerance` would part (same unit; default 1e-7
    of the bounding box's diagonal, so that duplicate vertices along seams touch). Coplanar
    triangles touch. Triangles without area are left out. Raises InputError for other shapes,
    indices out of range or positions that are not finite.

    Candidates come from a bounding-volume hierarchy, the decision in float64 from the separating
    axes of two triangles: both normals and the nine products of edges (the axis test of Gottschalk,
    Lin and Manocha 1996, "OBBTree", section 5, for triangles in place of boxes).
    """
    points, faces = checked_mesh("self_intersections", vertices, triangles)
    if tolerance is not None and not tolerance >= 0.0:
        raise InputError(f"self_intersections: tolerance {tolerance}, expected a number >= 0")
    if len(faces) == 0:
        return np.zeros((0, 2), np.int64)
    corners = points[faces]
    low = corners.min((0, 1))
    size = float(np.linalg.norm(corners.max((0, 1)) - low))
    slack = _RELATIVE_TOLERANCE * size if tolerance is None else tolerance
    corners = corners - low  # near the origin single precision serves the boxes best
    area, longest = _area_and_longest_edge(corners)
    solid = np.flatnonzero(area > 1e-9 * longest**2)
    candidates = solid[_overlapping_boxes(corners[solid], faces[solid], size)]
    hits = [
        part[_cut(corners[part[:, 0]], corners[part[:, 1]], slack)]
        for part in np.array_split(candidates, len(candidates) // _CHUNK + 1)
    ]
    pairs = np.concatenate(hits)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].astype(np.int64)


def checked_mesh(
    caller: str, vertices: ArrayLike, triangles: ArrayLike
) -> tuple[Float64Array, Int64Array]:
    """(V, 3) finite positions and (F, 3) indices below V, or InputError naming `caller`."""
    points, faces = np.asarray(vertices), np.asarray(triangles)
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"{caller}: vertices {points.shape}, expected (V, 3)")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise InputError(
            f"{caller}: triangles {faces.shape} of {faces.dtype}, expected (F, 3) integers"
        )
    points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise InputError(f"{caller}: vertices hold NaN or infinity, expected finite positions")
    if len(faces) and (faces.min() < 0 or faces.max() >= len(points)):
        raise InputError(
            f"{caller}: triangles {faces.min()}..{faces.max()}, expected indices in "
            f"0..{len(points) - 1}"
        )
    return points, faces.astype(np.int64)


def _overlapping_boxes(corners: Float64Array, faces: Int64Array, size: float) -> Int64Array:
    """(K, 2) pairs of triangles (F, 3, 3) without a common vertex whose boxes overlap."""
    import warp as wp

    from mien_training.geometry.query_kernels import box_pairs_kernel

    if len(corners) < 2:
        return np.zeros((0, 2), np.int64)
    pad = 1e-6 * size  # more than rounding to single precision takes away
    lowers, uppers = (
        wp.array(box.astype(np.float32), dtype=wp.vec3, device="cpu")
        for box in (corners.min(1) - pad, corners.max(1) + pad)
    )
    indices = wp.array(faces.astype(np.int32), dtype=wp.vec3i, device="cpu")
    bvh = wp.Bvh(lowers, uppers)
    counts = wp.zeros(len(corners), dtype=int, device="cpu")
    first = np.zeros(len(corners), np.int32)
    pairs = wp.zeros(0, dtype=wp.vec2i, device="cpu")
    for _ in range(2):  # how many, then which
        wp.launch(
            box_pairs_kernel,
            dim=len(corners),
            inputs=[
                bvh.id, lowers, uppers, indices,
                wp.array(first, dtype=int, device="cpu"), counts, pairs,
            ],
            device="cpu",
        )  # fmt: skip
        ends = np.cumsum(counts.numpy())
        first[1:] = ends[:-1]
        if len(pairs):
            break
        if ends[-1] == 0:
            return np.zeros((0, 2), np.int64)
        pairs = wp.zeros(int(ends[-1]), dtype=wp.vec2i, device="cpu")
    return np.asarray(pairs.numpy(), np.int64)


def _area_and_longest_edge(corners: Float64Array) -> tuple[Float64Array, Float64Array]:
    edges = corners[:, [1, 2, 0]] - corners
    area = 0.5 * np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    return np.asarray(area), np.asarray(np.linalg.norm(edges, axis=2).max(1))


def _cut(a: Float64Array, b: Float64Array, slack: float) -> NDArray[np.bool_]:
    """(K,) must triangles a and b, (K, 3, 3) each, move by more than `slack` to come apart."""
    edges_a, edges_b = a[:, [1, 2, 0]] - a, b[:, [1, 2, 0]] - b
    axes = [np.cross(edges[:, 0], edges[:, 1]) for edges in (edges_a, edges_b)]
    axes += [np.cross(edges_a[:, i], edges_b[:, j]) for i in range(3) for j in range(3)]
    scale = np.maximum(np.abs(edges_a).max((1, 2)), np.abs(edges_b).max((1, 2)))
    cut = np.ones(len(a), bool)
    for axis in axes:
        length = np.linalg.norm(axis, axis=1)
        usable = length > 1e-12 * scale**2  # parallel edges span no axis
        unit = axis / np.where(usable, length, 1.0)[:, None]
        along_a, along_b = (np.einsum("kcx,kx->kc", t, unit) for t in (a, b))
        shift = np.minimum(along_a.max(1) - along_b.min(1), along_b.max(1) - along_a.min(1))
        cut &= ~usable | (shift > slack)
    return cut
