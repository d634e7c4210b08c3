"""Edges of a mesh and their uniform graph Laplacian."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from mien.errors import InputError

__all__ = ["checked_edges", "dilated", "mesh_edges", "uniform_laplacian", "unique_edges"]

Int64Array = NDArray[np.int64]


def mesh_edges(faces: ArrayLike) -> Int64Array:
    """(E, 2) undirected edges i < j of polygons, each once, sorted.

    faces: (F, 3) triangles or (F, 4) quads; -1 in the last column of a quad marks a triangle. The
    diagonal of a quad is no edge. Raises InputError on another shape, non-integer or negative
    indices, or a face that names a vertex twice.
    """
    table = np.asarray(faces)
    if table.ndim != 2 or table.shape[1] not in (3, 4) or table.dtype.kind not in "iu":
        raise InputError(
            f"mesh_edges: faces {table.shape} of {table.dtype}, expected (F, 3) or (F, 4) integers"
        )
    table = table.astype(np.int64)
    quad = table[:, -1] >= 0 if table.shape[1] == 4 else np.zeros(len(table), bool)
    if (table[:, :3] < 0).any() or (table[:, -1] < -1).any():
        raise InputError("mesh_edges: faces hold negative indices, expected -1 only to pad a quad")
    a, b, c = table[:, 0], table[:, 1], table[:, 2]
    last = np.where(quad, table[:, -1], c)
    pairs = [(a, b), (b, c), (c[quad], last[quad]), (last, a)]
    edges = np.concatenate([np.stack(pair, 1) for pair in pairs])
    if (edges[:, 0] == edges[:, 1]).any():
        raise InputError("mesh_edges: a face names a vertex twice, expected distinct corners")
    return unique_edges(edges)


def unique_edges(edges: Int64Array) -> Int64Array:
    """(E', 2) the edges i < j among (E, 2) pairs of either order, each once, sorted."""
    return np.unique(np.sort(edges, axis=1), axis=0).reshape(-1, 2).astype(np.int64)


def checked_edges(name: str, edges: ArrayLike, count: int) -> Int64Array:
    """(E, 2) int64 pairs of distinct indices below `count`, or InputError naming `name`."""
    table = np.asarray(edges)
    if table.ndim != 2 or table.shape[1] != 2 or table.dtype.kind not in "iu":
        raise InputError(f"{name} {table.shape} of {table.dtype}, expected (E, 2) integers")
    table = table.astype(np.int64)
    if len(table) and (table.min() < 0 or table.max() >= count):
        raise InputError(
            f"{name}: {table.min()}..{table.max()}, expected indices in 0..{count - 1}"
        )
    if (table[:, 0] == table[:, 1]).any():
        raise InputError(f"{name}: an edge joins a node with itself, expected distinct ends")
    return table


def uniform_laplacian(
    edges: ArrayLike, count: int, extra_edges: ArrayLike | None = None
) -> csr_array:
    """(N, N) L = D - A in float64: the combinatorial Laplacian of a graph of `count` nodes.

    edges: (E, 2) node indices, as `mesh_edges` makes them; extra_edges: (E', 2) further ones, such
    as edges through the interior. An edge counts once, however often and in whatever order it is
    named. Symmetric, positive semi-definite, rows sum to 0. Depends on the connections alone, so
    it can be factorised once for a whole optimisation (Nicolet, Jacobson and Jakob 2021, "Large
    Steps in Inverse Rendering of Geometry", section 3.2). Raises InputError for indices outside
    0..count-1, self-loops or other shapes.
    """
    if count < 1:
        raise InputError(f"uniform_laplacian: count {count}, expected at least 1")
    table = checked_edges("uniform_laplacian: edges", edges, count)
    if extra_edges is not None:
        extra = checked_edges("uniform_laplacian: extra_edges", extra_edges, count)
        table = np.concatenate([table, extra])
    table = unique_edges(table)
    i, j = np.concatenate([table, table[:, ::-1]]).T
    adjacency = coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    degree = np.bincount(i, minlength=count).astype(np.float64)
    return csr_array(diags_array(degree) - adjacency)


def dilated(members: ArrayLike, triangles: ArrayLike, rings: int) -> NDArray[np.bool_]:
    """(..., V) sets of vertices grown by `rings` neighbourhoods along the edges of (F, 3).

    Raises InputError for a number of rings below 0.
    """
    grown = np.asarray(members, bool)
    if rings < 0:
        raise InputError(f"dilated: rings {rings}, expected 0 or more")
    count = grown.shape[-1]
    i, j = mesh_edges(triangles).T
    ones = np.ones(2 * len(i), np.float32)
    step = coo_array((ones, (np.append(i, j), np.append(j, i))), shape=(count, count)).tocsr()
    flat = grown.reshape(-1, count)
    for _ in range(rings):
        flat = flat | ((step @ flat.T.astype(np.float32)) > 0).T
    return flat.reshape(grown.shape)
