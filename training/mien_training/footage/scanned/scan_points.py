"""A scan as points of its surface: of meshes and of clouds without triangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.footage.scanned.scan import SCAN_SUFFIXES

__all__ = ["SurfacePoints", "read_scan_points"]

_FEWEST = 200


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """N points in no order, in the file's own axes and unit."""

    points: NDArray[np.float64]
    """(N, 3)"""
    normals: NDArray[np.float64]
    """(N, 3) unit, outwards; zeros where the scan has none."""


def read_scan_points(path: Path, most: int = 30_000) -> SurfacePoints:
    """Of a .ply, .obj, .glb or .gltf file: of meshes `most` points, evenly over the surface; of
    clouds theirs, thinned to `most`. The same file gives the same points.

    Raises InputError, naming the file, for what cannot be read, and for scans that are empty.
    """
    if path.suffix.lower() not in SCAN_SUFFIXES:
        raise InputError(f"scan {path}: expected a {', '.join(SCAN_SUFFIXES)} file")
    if not path.is_file():
        raise InputError(f"scan {path}: there is no such file")
    try:
        shapes = list(trimesh.load_scene(str(path), process=False).dump())
    except Exception as reason:  # the readers raise whatever their parsers raise
        raise InputError(f"scan {path}: cannot be read ({reason})") from None
    meshes = [s for s in shapes if isinstance(s, trimesh.Trimesh) and len(s.faces)]
    clouds = [s for s in shapes if isinstance(s, trimesh.PointCloud)]
    rng = np.random.default_rng(0)
    found = _of_meshes(meshes, most, rng) if meshes else _of_clouds(clouds, most, rng)
    if len(found.points) < _FEWEST:
        raise InputError(
            f"scan {path}: {len(found.points)} points, expected at least {_FEWEST}: it is empty"
        )
    if not (np.isfinite(found.points).all() and np.isfinite(found.normals).all()):
        raise InputError(f"scan {path}: positions or normals hold NaN or infinity")
    return found


def _of_meshes(meshes: Sequence[Any], most: int, rng: np.random.Generator) -> SurfacePoints:
    corners = np.concatenate([np.asarray(m.vertices, np.float64)[m.faces] for m in meshes])
    scaled = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(scaled, axis=1)
    if not area.sum() > 0 or not np.isfinite(area).all():
        kept = np.isnan(area)  # for the caller to see
        return SurfacePoints(corners[kept, 0], np.zeros((int(kept.sum()), 3)))
    chosen = rng.choice(len(corners), most, p=area / area.sum())
    shares = rng.dirichlet((1, 1, 1), most)
    points = (shares[..., None] * corners[chosen]).sum(1)
    return SurfacePoints(points, scaled[chosen] / area[chosen, None])


def _of_clouds(clouds: Sequence[Any], most: int, rng: np.random.Generator) -> SurfacePoints:
    points = [np.zeros((0, 3)), *(np.asarray(c.vertices, np.float64) for c in clouds)]
    normals = [np.zeros((0, 3)), *(_stored_normals(c) for c in clouds)]
    at, way = np.concatenate(points), np.concatenate(normals)
    if len(at) > most:
        chosen = rng.choice(len(at), most, replace=False)
        at, way = at[chosen], way[chosen]
    length = np.linalg.norm(way, axis=1, keepdims=True)
    return SurfacePoints(at, way / np.where(length > 0, length, 1))


def _stored_normals(cloud: Any) -> NDArray[np.float64]:
    """(N, 3); zeros where the file has none. The reader keeps what it does not use of a .ply."""
    table = cloud.metadata.get("_ply_raw", {}).get("vertex", {}).get("data", {})
    try:  # an array of records where the file is binary, a mapping of columns where it is text
        columns = [np.asarray(table[name], np.float64).reshape(-1) for name in ("nx", "ny", "nz")]
        return np.stack(columns, 1).reshape(len(cloud.vertices), 3)
    except (KeyError, ValueError, IndexError):
        return np.zeros((len(cloud.vertices), 3))
