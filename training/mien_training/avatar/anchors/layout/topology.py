"""Which triangles hang together, and what rims a piece of mesh has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

__all__ = ["components", "neighbour_edges", "rims", "welded_corners"]

Int64Array = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def neighbour_edges(triangles: NDArray[np.int32]) -> Int64Array:
    """(E, 4) pairs of triangles across a shared edge: triangle, corner, triangle, corner.

    `corner` is where the edge begins in each triangle's own order. Edges of three triangles, and
    those that both triangles run through in the same direction, join nothing.
    """
    faces = triangles.astype(np.int64)
    begin, end = faces.ravel(), np.roll(faces, -1, 1).ravel()
    key = np.minimum(begin, end) * (int(faces.max(initial=0)) + 1) + np.maximum(begin, end)
    order = np.argsort(key, kind="stable")
    _, first, count = np.unique(key[order], return_index=True, return_counts=True)
    a, b = order[first[count == 2]], order[first[count == 2] + 1]
    opposed = begin[a] == end[b]
    a, b = a[opposed], b[opposed]
    return np.stack([a // 3, a % 3, b // 3, b % 3], 1)


def components(count: int, edges: Int64Array) -> Int64Array:
    """(count,) label of the piece that each triangle belongs to."""
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 2])), (count, count))
    return np.asarray(connected_components(graph, False)[1], np.int64)


def welded_corners(count: int, edges: Int64Array) -> Int64Array:
    """(count, 3) vertex of each triangle's corners if only `edges` join triangles.

    A vertex at which two fans of triangles merely touch becomes two.
    """
    a, i, b, j = edges.T
    left = np.concatenate([3 * a + i, 3 * a + (i + 1) % 3])
    right = np.concatenate([3 * b + (j + 1) % 3, 3 * b + j])
    graph = coo_matrix((np.ones(len(left)), (left, right)), (3 * count, 3 * count))
    return np.asarray(connected_components(graph, False)[1], np.int64).reshape(count, 3)


def rims(corners: Int64Array) -> list[Int64Array]:
    """Closed loops (n,) of border vertices, in the order in which their triangles run.

    corners: `welded_corners`, so that each vertex has at most one border edge on each side.
    """
    begin, end = corners.ravel(), np.roll(corners, -1, 1).ravel()
    size = int(corners.max(initial=0)) + 1
    border = ~np.isin(begin * size + end, end * size + begin)
    following = np.full(size, -1, np.int64)
    following[begin[border]] = end[border]
    loops, left = [], set(begin[border].tolist())
    while left:
        loop = [min(left)]
        while (ahead := int(following[loop[-1]])) != loop[0]:
            loop.append(ahead)
        left.difference_update(loop)
        loops.append(np.array(loop))
    return loops
