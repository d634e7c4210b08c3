"""A mesh file for every moment: PLY, which every mesh program reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["PLY_FOLDER", "ply_bytes", "write_take_ply"]

PLY_FOLDER = "ply"


def write_take_ply(
    folder: Path, meshes: CapturedMeshes, template: Template, report: Report = silent
) -> Path:
    """`ply/frame_000123.ply` for every moment that is no failure; the folder. World, metres.

    Files that lie there are not made again: a finished run's meshes do not change.
    """
    out = folder / PLY_FOLDER
    out.mkdir(exist_ok=True)
    faces = _faces(template)
    good = np.flatnonzero(meshes.good)
    for done, n in enumerate(good):
        path = out / f"frame_{int(meshes.frame[n]):06d}.ply"
        if not path.exists():
            write_atomically(path, ply_bytes(meshes.vertices[n], meshes.confidence[n], faces))
        report(Progress("writing PLY", done + 1, len(good)))
    return out


def ply_bytes(
    vertices: NDArray[np.float32],
    confidence: NDArray[np.floating],
    faces: tuple[int, bytes],
) -> bytes:
    """Binary PLY of (V, 3) vertices with (V,) `quality`, and `faces` as counted and packed."""
    count, packed = faces
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\nproperty float quality\n"
        f"element face {count}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.concatenate([vertices, confidence[:, None]], 1).astype("<f4")
    return header.encode() + rows.tobytes() + packed


def _faces(template: Template) -> tuple[int, bytes]:
    """Quads as authored where there is nothing else; some readers take lists of changing length
    for damage, so that quads with some triangles among them all become triangles."""
    quads = bool((template.polygons[:, 3] >= 0).all())
    faces = template.polygons if quads else template.triangles
    corners = faces.shape[1]
    rows = np.zeros(len(faces), np.dtype([("count", "u1"), ("corner", "<i4", corners)]))
    rows["count"], rows["corner"] = corners, faces
    return len(faces), rows.tobytes()
