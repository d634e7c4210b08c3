"""Moments of a folder of scans, read by a net, as files that its linear step learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.first_mesh import FirstMesh, first_mesh
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.learning.scan_reading import FaceSight, ScanReading
from mien_training.capture.scans.scan_folder import ScanFolder
from mien_training.capture.scans.skin_points import skin_points
from mien_training.capture.skin_regions import skin_regions
from mien_training.capture.take.metric_unit import take_in_metres
from mien_training.footage.scanned.registered_mesh import read_registered
from mien_training.footage.scanned.scan_points import SurfacePoints, read_scan_points
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["ReadScans", "read_scans", "scan_reading"]

_FAR_M = 0.03
"""Median distance of the face that pictures show from its scan, above which one of the two is not
where the other is."""
_FEWEST = 200


@dataclass(frozen=True)
class ReadScans:
    """What became of the moments of a folder."""

    paths: tuple[Path, ...]
    """Files of `ScanReading.write`, of moments in which a head was found."""
    lost: tuple[int, ...]
    """Numbers of the others."""


def read_scans(
    net: CaptureNet, folder: ScanFolder, out: Path, report: Report = silent
) -> ReadScans:
    """Files in `out`; those that are there stay.

    Raises InputError, naming the file, for a scan or a registration that is not where the pictures
    show a head, of another topology or empty, and where a head is found in fewer than two moments.
    """
    out.mkdir(parents=True, exist_ok=True)
    take = take_in_metres(folder.take, net.template, report=report)
    assert take.unit_m is not None
    frames = take.frames.tolist()
    paths = [out / f"{number}.npz" for number in frames]
    reason = ""
    for moment in take.moments([n for n, path in enumerate(paths) if not path.exists()]):
        n = moment.number
        scan, known = _given(folder, n, take.unit_m, net.template)
        try:
            with torch.no_grad():
                first = first_mesh(
                    net.correspondence, moment.images, take.cameras, net.template, net.heads,
                    net.first,
                )  # fmt: skip
        except InputError as error:
            reason = str(error)
            paths[n].touch()
        else:
            found = scan_reading(net, first, scan, known, folder.scans[n], folder.registered[n])
            found.write(paths[n])
        report(Progress("reading moments", n + 1, len(paths)))
    there = tuple(path for path in paths if path.stat().st_size)
    if len(there) < 2:
        raise InputError(
            f"--scans {folder.path}: a head was found in {len(there)} of {len(paths)} moments, "
            f"expected two or more{f'; {reason}' if reason else ''}"
        )
    lost = [number for number, path in zip(frames, paths, strict=True) if not path.stat().st_size]
    return ReadScans(there, tuple(lost))


def scan_reading(
    net: CaptureNet,
    first: FirstMesh,
    scan: SurfacePoints,
    known: NDArray[np.floating] | None = None,
    scan_path: Path = Path("scan"),
    known_path: Path | None = None,
) -> ScanReading:
    """Of a moment that was read; scan and known (V, 3), the registration: world, metres.

    The paths are named in errors. Raises InputError as `read_scans`.
    """
    template = net.template
    truth = None if known is None else np.asarray(known, np.float32)
    reading = MomentReading.of(first, truth)
    corrected = net.corrected(reading)
    pose = first.fit.world_from_head
    points = ((scan.points - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
    normals = (scan.normals @ pose[:3, :3]).astype(np.float32)
    face = corrected.reading.start[skin_regions(template)["face"]]
    off = float(np.median(np.asarray(cKDTree(points).query(face)[0])))
    if off > _FAR_M:
        raise InputError(_told(f"scan {scan_path}", off, scan.points.mean(0), pose))
    if known is not None:
        off = float(np.median(np.linalg.norm(reading.truth - corrected.reading.start, axis=1)))
        if off > _FAR_M:
            raise InputError(_told(f"registration {known_path}", off, known.mean(0), pose))
    kept = skin_points(corrected.reading, template.triangles, points)
    if kept.sum() < _FEWEST:
        raise InputError(
            f"scan {scan_path}: {int(kept.sum())} points on skin that pictures show, expected at "
            f"least {_FEWEST}"
        )
    return ScanReading(
        reading, points[kept], normals[kept], corrected.places, _face_sight(template, first)
    )


def _told(what: str, off_m: float, middle: NDArray[np.floating], pose: NDArray[np.float64]) -> str:
    at = np.array2string(np.asarray(middle), precision=2)
    head = np.array2string(pose[:3, 3], precision=2)
    return (
        f"{what}: {off_m:.2f} m from the face that the pictures show; its middle is at {at} m, the "
        f"head at {head} m; expected the calibration's world and unit"
    )


def _given(
    folder: ScanFolder, n: int, unit_m: float, template: Template
) -> tuple[SurfacePoints, NDArray[np.float64] | None]:
    """Scan and registration of the folder's moment n, metres."""
    scan = read_scan_points(folder.scans[n])
    path = folder.registered[n]
    known = None if path is None else unit_m * read_registered(path, template)
    return replace(scan, points=unit_m * scan.points), known


def _face_sight(template: Template, first: FirstMesh) -> FaceSight:
    """The tracker's points of lids and lips."""
    rays = first.face
    if not len(rays.certainty):
        return FaceSight.none()
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    nearest = nearest_on_surface(template.vertices, skin, rays.canonical)
    corners = skin[nearest.triangle].astype(np.int64)
    regions = skin_regions(template)
    chosen = (regions["lids"] | regions["lips"])[corners].all(1)
    pose = first.fit.world_from_head
    return FaceSight(
        ((rays.origins[chosen] - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32),
        (rays.directions[chosen] @ pose[:3, :3]).astype(np.float32), corners[chosen],
        nearest.barycentric[chosen].astype(np.float32), rays.certainty[chosen].astype(np.float32),
    )  # fmt: skip
