"""All vertices from few: the smooth surface through control vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mien.errors import InputError
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian

__all__ = ["biharmonic_upsampling"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_NEAR_M = 0.03
"""How far the control vertices reach that parts without any follow, metres, beyond the nearest."""
_MOST = 10.0
"""Of a cotangent: slivers do not decide."""


def biharmonic_upsampling(
    vertices: ArrayLike, triangles: ArrayLike, control: ArrayLike
) -> Float64Array:
    """(V, K) matrix that takes the places of control vertices (K,) to those of all vertices.

    Of template vertices (V, 3), metres, and triangles (F, 3). Control vertices keep their places,
    affine maps of the template are exact, and what remains is the surface of least squared
    Laplacian through them (Botsch and Sorkine 2008, "On Linear Variational Surface Deformation
    Methods"). Parts of the mesh without control vertices follow the affine map that
    fits the control vertices near them best. Raises InputError for control vertices that are not
    distinct, or lie in one plane.
    """
    at = np.asarray(vertices, np.float64)
    faces = np.asarray(triangles, np.int64)
    chosen = np.asarray(control, np.int64)
    if at.ndim != 2 or at.shape[1] != 3 or chosen.ndim != 1 or len(chosen) < 4:
        raise InputError(
            f"biharmonic_upsampling: vertices {at.shape}, control {chosen.shape}, expected (V, 3) "
            "and (K,), at least 4"
        )
    if len(np.unique(chosen)) < len(chosen) or chosen.min() < 0 or chosen.max() >= len(at):
        raise InputError("biharmonic_upsampling: control must hold distinct indices of vertices")
    middle = at.mean(0)
    affine = np.c_[at - middle, np.ones(len(at))]
    if np.linalg.matrix_rank(affine[chosen], tol=1e-6) < 4:
        raise InputError("biharmonic_upsampling: control vertices lie in one plane")
    # What an affine map of the control vertices explains is taken out before, and put back after.
    explained = np.linalg.pinv(affine[chosen])
    laplacian = _laplacian(at, faces)
    _, part = connected_components(uniform_laplacian(mesh_edges(faces), len(at)))
    reached = np.isin(part, part[chosen])
    smooth = np.zeros((len(at), len(chosen)))
    smooth[chosen, np.arange(len(chosen))] = 1.0
    free = np.flatnonzero(reached & ~np.isin(np.arange(len(at)), chosen))
    if len(free):
        system = csr_array(laplacian.T @ laplacian)
        solved = splu(system[free][:, free].tocsc()).solve(-system[free][:, chosen].toarray())
        smooth[free] = solved
    matrix = affine @ explained + smooth - smooth @ (affine[chosen] @ explained)
    for lone in np.unique(part[~reached]):
        members = part == lone
        away = np.linalg.norm(at[chosen] - at[members].mean(0), axis=1)
        weight = np.exp(-0.5 * ((away - away.min()) / _NEAR_M) ** 2)[:, None]
        local = np.linalg.pinv(weight * affine[chosen], rcond=1e-9) * weight.T
        matrix[members] = affine[members] @ local
    return np.asarray(matrix)


def _laplacian(vertices: Float64Array, triangles: Int64Array) -> csr_array:
    """(V, V) cotangent Laplacian over the root of each vertex's area, so that its square sums the
    squared mean curvature over the surface."""
    count = len(vertices)
    corners = vertices[triangles]
    adjacency = csr_array((count, count))
    for k in range(3):
        a, b = (corners[:, (k + i) % 3] - corners[:, k] for i in (1, 2))
        twice = np.linalg.norm(np.cross(a, b), axis=1)
        weight = ((a * b).sum(1) / np.maximum(twice, 1e-12)).clip(-_MOST, _MOST) / 2
        i, j = triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        pairs = (np.append(i, j), np.append(j, i))
        adjacency = adjacency + coo_array((np.tile(weight, 2), pairs), shape=(count, count)).tocsr()
    flat: csr_array = csr_array(diags_array(np.asarray(adjacency.sum(1)).ravel()) - adjacency)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    sixth = np.linalg.norm(np.cross(a, b), axis=1) / 6
    area = np.bincount(triangles.ravel(), np.repeat(sixth, 3), count)
    area = np.maximum(area, 1e-3 * area.mean())
    return csr_array(diags_array(np.sqrt(area.mean() / area)) @ flat)
