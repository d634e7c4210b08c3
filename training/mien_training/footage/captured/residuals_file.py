"""A capture run's residuals.npz: what `mien cameras check` works on; arrays with named axes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_checks import check_intrinsics, check_pose
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens
from mien_training.footage.captured.camera_residuals import CameraResiduals
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["RESIDUALS_FILE", "read_residuals", "write_residuals"]

RESIDUALS_FILE = "residuals.npz"
_FORMAT = 1
"""Raised whenever fields are added, left out, or mean something else."""
_AXES = {
    "names": ["camera"], "time_s": ["moment"], "moment": ["sighting"], "camera": ["sighting"],
    "vertex": ["sighting"], "pixel": ["sighting", "image xy"],
    "point": ["sighting", "world xyz, m"], "certainty": ["sighting"],
    "K": ["camera", "row", "column"], "camera_from_world": ["camera", "row", "column"],
    "size": ["camera", "width and height"], "lens": ["camera", "k1 k2 p1 p2 k3 k4 k5 k6"],
}  # fmt: skip
_KINDS = {"names": "U", "time_s": "f", "moment": "iu", "camera": "iu", "vertex": "iu",
          "pixel": "f", "point": "f", "certainty": "f", "K": "f", "camera_from_world": "f",
          "size": "iu", "lens": "f"}  # fmt: skip


def write_residuals(path: Path, residuals: CameraResiduals) -> None:
    """Whole or not at all; with `axes`, the names of every array's axes as JSON."""
    cameras = residuals.cameras
    lenses = [c.lens if isinstance(c, LensCamera) else Lens(c.k1, c.k2) for c in cameras]
    arrays: dict[str, NDArray[Any]] = {
        name: getattr(residuals, name)
        for name in ("time_s", "moment", "camera", "vertex", "pixel", "point", "certainty")
    }
    arrays["names"] = np.array(residuals.names, np.str_)
    arrays["K"] = np.stack([c.K for c in cameras])
    arrays["camera_from_world"] = np.stack([c.camera_from_world for c in cameras])
    arrays["size"] = np.array([(c.width, c.height) for c in cameras], np.int64)
    arrays["lens"] = np.array([astuple(lens) for lens in lenses], np.float64)
    arrays["axes"] = np.array(json.dumps(_AXES))
    arrays["format"] = np.array(_FORMAT)
    write_arrays(path, arrays)


def read_residuals(path: str | Path) -> CameraResiduals:
    """Of the file, or of the run's folder. Raises InputError, naming file, field and what was
    expected, where it is missing, damaged or of another version of mien."""
    file = Path(path)
    if file.is_dir():
        file = file / RESIDUALS_FILE
    if not file.is_file():
        raise InputError(f"{file}: not there; expected the {RESIDUALS_FILE} of `mien capture`")
    arrays = read_arrays(file)
    version = arrays.get("format", np.array("missing"))
    if version.tolist() != _FORMAT:
        raise InputError(
            f"{file}: field 'format' is {version.tolist()}, expected {_FORMAT}: of another version "
            "of mien, or another kind of file: capture again"
        )
    for name, kinds in _KINDS.items():
        if name not in arrays or arrays[name].dtype.kind not in kinds:
            raise InputError(f"{file}: field {name!r} is missing or of another kind: capture again")
    try:
        return CameraResiduals(
            names=tuple(arrays["names"].tolist()),
            cameras=_cameras(arrays),
            **{
                name: arrays[name]
                for name in ("time_s", "moment", "camera", "vertex", "pixel", "point", "certainty")
            },
        )
    except (InputError, IndexError, TypeError, ValueError) as reason:
        raise InputError(f"{file}: {reason}: capture again") from None


def _cameras(arrays: Mapping[str, NDArray[Any]]) -> tuple[Camera, ...]:
    """Raises InputError for numbers that no camera has."""
    count = len(arrays["names"])
    shapes = {"K": (3, 3), "camera_from_world": (4, 4), "size": (2,), "lens": (8,)}
    for name, shape in shapes.items():
        if arrays[name].shape != (count, *shape):
            raise InputError(
                f"field {name!r} has shape {arrays[name].shape}, expected {(count, *shape)}"
            )
    found = []
    for c in range(count):
        width, height = (int(side) for side in arrays["size"][c])
        K, pose = arrays["K"][c], arrays["camera_from_world"][c]
        check_intrinsics(K, width, height, f"field 'K' of camera {c}")
        check_pose(pose, f"field 'camera_from_world' of camera {c}")
        lens = Lens(*arrays["lens"][c].tolist())
        found.append(camera_with_lens(Camera(K, pose, width, height), lens))
    return tuple(found)
