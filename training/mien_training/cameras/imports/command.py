"""`mien cameras import`: cameras of COLMAP, OpenCV, Kalibr or NeRF to a calibration file."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro
from scipy.spatial.distance import pdist

from mien.atomic import write_atomically
from mien.errors import InputError
from mien_training.cameras.calibration import calibration_json
from mien_training.cameras.camera import Camera
from mien_training.cameras.imports.formats import CameraFormat, read_foreign
from mien_training.cameras.imports.names import cameras_by_name
from mien_training.cameras.lens import LensCamera
from mien_training.cameras.lens_fit import radial_fit

__all__ = ["ImportCamerasConfig", "import_cameras", "run"]

_MOST_CAMERAS = 1000
_UNSEEN_PX = 0.1
"""Below that distance over the whole image, k1 and k2 stand for a lens of more terms."""


@dataclass(frozen=True)
class ImportCamerasConfig:
    """Write the calibration file of docs/calibration.md from cameras that another tool found."""

    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """COLMAP's folder of cameras.txt and images.txt; OpenCV's YAML, one file for each camera or one
    for all; Kalibr's camchain.yaml; NeRF's transforms.json; or a calibration file of mien."""
    out: Path
    """The calibration file (JSON) that is written."""
    format: Literal["auto"] | CameraFormat = "auto"
    """Which tool the files are from; auto: by their content."""
    unit_m: float | None = None
    """Length of the files' unit in metres, 0.001 for millimetres. Left out, it is not known (but
    kept of mien's own files), and the face gives the scale."""
    names: tuple[Path, ...] = ()
    """The films, pictures or folders of pictures that the calibration is for: cameras are matched
    to them by name, and others left out. Left out, cameras keep the names of the files."""

    def __post_init__(self) -> None:
        if self.unit_m is not None and not 1e-6 <= self.unit_m <= 1e6:
            raise InputError(
                f"cameras import: unit_m is {self.unit_m}, expected metres, 1e-06 to 1e+06"
            )


def run(config: ImportCamerasConfig) -> int:
    """The command."""
    for line in import_cameras(config):
        print(line)
    return 0


def import_cameras(config: ImportCamerasConfig) -> list[str]:
    """Writes the file; returns lines that tell what was found, left out and simplified.

    Raises InputError, naming file, field and expectation, for what is no calibration.
    """
    wanted = None if config.format == "auto" else config.format
    foreign, unit_m, kind = read_foreign(config.files, wanted)
    unit_m = unit_m if config.unit_m is None else config.unit_m
    where = ", ".join(str(path) for path in config.files)
    named = cameras_by_name(foreign, config.names, where)
    if len(named) > _MOST_CAMERAS:
        raise InputError(
            f"{where}: {len(named)} cameras, expected at most {_MOST_CAMERAS}; --names chooses"
        )
    cameras, lenses = {}, {}
    for name, one in named.items():
        cameras[name], lenses[name] = _simplest(one.camera)
    base = config.out.absolute().parent
    masks = {n: os.path.relpath(one.mask, base) for n, one in named.items() if one.mask is not None}
    write_atomically(config.out, calibration_json(cameras, unit_m, masks))
    unit = "unit not known: the face gives the scale" if unit_m is None else f"unit {unit_m:g} m"
    told = [f"{config.out}: {_count(len(cameras))} of {kind}, {unit}"]
    told += [
        f"  {name}: {camera.width} x {camera.height}, {_view(camera):.1f} degrees wide, "
        f"{lenses[name]}"
        for name, camera in cameras.items()
    ]
    return told + _remarks(config, cameras, unit_m, len(foreign))


def _simplest(camera: Camera) -> tuple[Camera, str]:
    """With k1 and k2 in place of more terms where nobody sees the difference; and what was done."""
    if not isinstance(camera, LensCamera):
        return camera, "k1 and k2 as given" if camera.distorts else "no distortion"
    fitted, apart_px = radial_fit(camera)
    terms = camera.lens.term_count
    if apart_px < _UNSEEN_PX:
        return fitted, f"k1 and k2 for {terms} terms of distortion, within {apart_px:.2g} pixels"
    return camera, f"{terms} terms of distortion, removed when pictures are read"


def _view(camera: Camera) -> float:
    """Degrees across the image, without distortion."""
    left, right = (np.array([0, camera.width]) - camera.K[0, 2]) / camera.K[0, 0]
    return math.degrees(math.atan(right) - math.atan(left))


def _remarks(
    config: ImportCamerasConfig, cameras: Mapping[str, Camera], unit_m: float | None, found: int
) -> list[str]:
    told = []
    if len(cameras) > 1:
        apart = float(pdist(np.array([camera.centre for camera in cameras.values()])).max())
        length = f"{apart:.4g} units" if unit_m is None else f"{apart * unit_m:.4g} m"
        told.append(f"  the cameras stand up to {length} apart")
    if config.names and found > len(cameras):
        told.append(f"  {found - len(cameras)} other pictures or cameras are left out")
    if not config.names and not all(Path(name).suffix for name in cameras):
        told.append("  names without a suffix are those of folders; for films give --names FILES")
    return told


def _count(number: int) -> str:
    return f"{number} camera{'' if number == 1 else 's'}"
