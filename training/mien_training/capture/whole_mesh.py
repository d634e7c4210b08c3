"""All vertices of a mesh whose skin has been corrected: what hides behind the skin goes along."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import splu

from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.head import Template

__all__ = ["carried_mesh"]

Float32Array = NDArray[np.float32]


def carried_mesh(template: Template, start: Float32Array, skin: Float32Array) -> Float32Array:
    """(V, 3) of a first mesh (V, 3) and its corrected skin (K, 3), `skin_vertices`, in one frame.

    Eyeballs, teeth and tongue are moved as a whole by what surrounds them (`RigidParts`), however
    the first mesh has them; the lining of mouth and lids stretches between what moves.
    """
    chosen, carry, rigid = _parts(template)
    moved = np.zeros_like(start)
    moved[chosen] = skin - start[chosen]
    with torch.no_grad():
        moved = rigid(torch.from_numpy(moved)).numpy()
    if carry is not None:
        free, matrix, solver = carry
        moved[free] = solver.solve(-(matrix @ moved.astype(np.float64)))
    return np.asarray(start + moved, np.float32)


@lru_cache(maxsize=4)
def _parts(
    template: Template,
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], csr_array, object] | None, RigidParts]:
    """Skin; vertices of neither skin nor a rigid part, and what their displacement follows from."""
    chosen, rigid = skin_vertices(template), RigidParts(template)
    fixed = (
        rigid.part.any(0).numpy().copy()
        if len(rigid.part)
        else np.zeros(len(template.vertices), np.bool_)
    )
    fixed[chosen] = True
    free = np.flatnonzero(~fixed)
    if not len(free):
        return chosen, None, rigid
    adjacency = uniform_laplacian(mesh_edges(template.triangles), len(template.vertices))
    rows = csr_array(adjacency)[free]
    inner = rows[:, free] + 1e-6 * csr_array(np.eye(len(free)))
    outer = rows.copy()
    outer[:, free] = 0
    return chosen, (free, csr_array(outer), splu(inner.tocsc())), rigid
