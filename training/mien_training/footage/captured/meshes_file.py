"""A capture run's meshes.npz: arrays with named axes, readable without mien."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.footage.captured.captured_meshes import CapturedMeshes
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["MESHES_FILE", "read_meshes", "write_meshes"]

MESHES_FILE = "meshes.npz"
_FORMAT = 1
"""Raised whenever fields are added, left out, or mean something else."""
_AXES = {
    "frame": ["moment"], "time_s": ["moment"], "vertices": ["moment", "vertex", "world xyz, m"],
    "vertices_in_head": ["moment", "vertex", "head xyz, m"],
    "world_from_head": ["moment", "row", "column"], "confidence": ["moment", "vertex"],
    "views": ["moment", "vertex"], "spread_m": ["moment", "vertex"], "failure": ["moment"],
}  # fmt: skip
_KINDS = {"frame": "iu", "time_s": "f", "vertices": "f", "world_from_head": "f",
          "confidence": "f", "views": "u", "spread_m": "f", "failure": "U",
          "template": "U", "topology_sha256": "U"}  # fmt: skip


def write_meshes(path: Path, meshes: CapturedMeshes) -> None:
    """Whole or not at all; with `axes`, the names of every array's axes as JSON."""
    arrays: dict[str, NDArray[Any]] = {
        field.name: np.asarray(getattr(meshes, field.name)) for field in fields(meshes)
    }
    arrays["failure"] = np.array(meshes.failure, np.str_)
    arrays["vertices_in_head"] = meshes.in_head()
    arrays["axes"] = np.array(json.dumps(_AXES))
    arrays["format"] = np.array(_FORMAT)
    write_arrays(path, arrays)


def read_meshes(path: str | Path) -> CapturedMeshes:
    """Of the file, or of the run's folder. Raises InputError, naming file, field and what was
    expected, where it is missing, damaged or of another version of mien."""
    file = Path(path)
    if file.is_dir():
        file = file / MESHES_FILE
    if not file.is_file():
        raise InputError(f"{file}: not there; expected the {MESHES_FILE} of `mien capture`")
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
    named: dict[str, Any] = {name: arrays[name] for name in _KINDS}
    named["template"] = named["template"].item()
    named["topology_sha256"] = named["topology_sha256"].item()
    named["failure"] = tuple(named["failure"].tolist())
    try:
        return CapturedMeshes(**named)
    except (InputError, IndexError) as reason:
        raise InputError(f"{file}: {reason}: capture again") from None
