"""All vertices of a mesh whose skin has been corrected: what hides behind the skin goes along."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu
from scipy.spatial import cKDTree

from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.head import Template

__all__ = ["carried_mesh"]

Float32Array = NDArray[np.float32]
Int64Array = NDArray[np.int64]


def carried_mesh(template: Template, start: Float32Array, skin: Float32Array) -> Float32Array:
    """(V, 3) of a first mesh (V, 3) and its corrected skin (K, 3), `skin_vertices`, in one frame.

    Eyeballs, teeth and tongue are moved as a whole by what surrounds them (`RigidParts`), however
    the first mesh has them; gums go with the teeth; the lining of mouth and lids stretches between
    what moves.
    """
    parts = _parts(template)
    moved = np.zeros_like(start)
    moved[parts.skin] = skin - start[parts.skin]
    with torch.no_grad():
        moved = parts.rigid(torch.from_numpy(moved)).numpy()
    for alone, nearest in parts.alone:
        moved[alone] = moved[nearest].mean(0)
    if parts.lining is not None:
        free, outer, solver = parts.lining
        moved[free] = solver.solve(-(outer @ moved.astype(np.float64)))
    return np.asarray(start + moved, np.float32)


@dataclass(frozen=True, eq=False)
class _Parts:
    skin: Int64Array
    """(K,)"""
    rigid: RigidParts
    alone: tuple[tuple[Int64Array, Int64Array], ...]
    """Vertices of parts that hang together with no skin, and those nearest to them that move."""
    lining: tuple[Int64Array, csr_array, SuperLU] | None
    """Vertices that stretch; the Laplacian's rows of these for the others, and its solver."""


@lru_cache(maxsize=4)
def _parts(template: Template) -> _Parts:
    skin, rigid = skin_vertices(template), RigidParts(template)
    count = len(template.vertices)
    fixed = np.zeros(count, np.bool_)
    for part in rigid.part.numpy():
        fixed |= part
    solid = np.flatnonzero(fixed) if fixed.any() else skin
    fixed[skin] = True
    laplacian = uniform_laplacian(mesh_edges(template.triangles), count)
    _, component = connected_components(laplacian)
    lone = ~fixed & ~np.isin(component, component[fixed])
    tree = cKDTree(template.vertices[solid])
    alone = []
    for number in np.unique(component[lone]):
        members = np.flatnonzero(lone & (component == number))
        nearest = solid[np.asarray(tree.query(template.vertices[members])[1])]
        alone.append((members, nearest))
    free = np.flatnonzero(~fixed & ~lone)
    lining = None
    if len(free):
        rows = csr_array(laplacian)[free]
        outer = csr_array(rows @ diags_array((~np.isin(np.arange(count), free)).astype(np.float64)))
        lining = (free, outer, splu(rows[:, free].tocsc()))
    return _Parts(skin, rigid, tuple(alone), lining)
