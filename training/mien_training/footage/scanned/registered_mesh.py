"""A template's mesh laid on a scan, in the scan's own axes and unit, as a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.footage.scanned.scan import SCAN_SUFFIXES
from mien_training.geometry.laplacian import mesh_edges
from mien_training.head import Template
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.content_key import topology_digest

__all__ = ["REGISTERED_FILE", "read_registered", "write_registered"]

REGISTERED_FILE = "registered.npz"
"""What `mien train rig SCAN` leaves."""
_OWN_EDGES = 0.5
"""Least share of a mesh's edges that the template has, too: the same quads may be cut otherwise,
other numbering shares next to none."""


def write_registered(path: Path, template: Template, vertices: ArrayLike) -> None:
    """vertices (V, 3): as the scan shows them, its own axes and unit. Whole or not at all."""
    arrays = {
        "template": np.array(template.name), "topology_sha256": np.array(topology_digest(template)),
        "vertices": np.asarray(vertices, np.float64),
    }  # fmt: skip
    write_arrays(path, arrays)


def read_registered(path: Path, template: Template) -> NDArray[np.float64]:
    """(V, 3) of a file of `write_registered`, or of a mesh (.ply, .obj, .glb, .gltf) with the
    template's vertices in its order.

    Raises InputError, naming the file and what was expected, for what cannot be read and for
    meshes of another topology.
    """
    if path.suffix.lower() == ".npz":
        vertices = _of_arrays(path, template)
    else:
        vertices = _of_mesh(path, template)
    if vertices.shape != template.vertices.shape:
        raise InputError(
            f"registration {path}: vertices {vertices.shape}, expected "
            f"{template.vertices.shape}, the topology of template {template.name!r}"
        )
    if not np.isfinite(vertices).all():
        raise InputError(f"registration {path}: vertices hold NaN or infinity")
    return vertices


def _of_arrays(path: Path, template: Template) -> NDArray[np.float64]:
    arrays = read_arrays(path)
    if "vertices" not in arrays or arrays["vertices"].dtype.kind != "f":
        raise InputError(
            f"registration {path}: field 'vertices' is missing, expected (V, 3) floats"
        )
    theirs = arrays.get("topology_sha256")
    if theirs is not None and str(theirs) != topology_digest(template):
        raise InputError(
            f"registration {path}: field 'topology_sha256' is not that of template "
            f"{template.name!r}: it is of {str(arrays.get('template', 'another'))!r}"
        )
    return np.asarray(arrays["vertices"], np.float64)


def _of_mesh(path: Path, template: Template) -> NDArray[np.float64]:
    if path.suffix.lower() not in SCAN_SUFFIXES:
        raise InputError(f"registration {path}: expected a .npz, {', '.join(SCAN_SUFFIXES)} file")
    try:
        mesh = trimesh.load_mesh(str(path), process=False, maintain_order=True)
        vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    except Exception as reason:  # the readers raise whatever their parsers raise
        raise InputError(f"registration {path}: cannot be read ({reason})") from None
    if len(vertices) == len(template.vertices):
        own = {tuple(edge) for edge in np.sort(mesh_edges(template.triangles), 1).tolist()}
        theirs = {tuple(edge) for edge in np.sort(mesh_edges(faces), 1).tolist()}
        if len(own & theirs) < _OWN_EDGES * max(len(theirs), 1):
            raise InputError(
                f"registration {path}: its triangles join other vertices than those of template "
                f"{template.name!r}, expected the template's order of vertices"
            )
    return vertices
