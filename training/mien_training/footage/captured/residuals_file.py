"""How far the cameras of a capture are off, moment by moment: residuals.npz beside the meshes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["RESIDUALS_FILE", "CameraResiduals", "read_residuals", "write_residuals"]

RESIDUALS_FILE = "residuals.npz"
_FORMAT = 1
"""Raised whenever fields are added, left out, or mean something else."""
_AXES = {
    "camera": ["camera"], "frame": ["moment"],
    "residual_px": ["moment", "camera", "x right, y down, px"],
}  # fmt: skip
_KINDS = {"camera": "U", "frame": "iu", "residual_px": "f"}


@dataclass(frozen=True, eq=False)
class CameraResiduals:
    """T moments, C cameras."""

    camera: tuple[str, ...]
    """(C,) names in the calibration."""
    frame: NDArray[np.int64]
    """(T,) as in `CapturedMeshes`."""
    residual_px: NDArray[np.float32]
    """(T, C, 2) mean of predicted minus seen pixels; NaN where a camera saw nothing. A moment
    scatters by pixels; the mean over many shows a camera that is off."""

    def __post_init__(self) -> None:
        expected = (len(self.frame), len(self.camera), 2)
        if self.residual_px.shape != expected:
            raise InputError(
                f"CameraResiduals.residual_px: shape {self.residual_px.shape}, expected {expected}"
            )

    def mean(self) -> NDArray[np.float64]:
        """(C, 2) over the moments that each camera saw; NaN where there is none."""
        seen = np.asarray(np.isfinite(self.residual_px).all(2))
        sums = np.where(seen[..., None], self.residual_px, 0.0).sum(0, np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums / seen.sum(0)[:, None])


def write_residuals(path: Path, residuals: CameraResiduals) -> None:
    """Whole or not at all; with `axes`, the names of every array's axes as JSON."""
    write_arrays(
        path,
        {
            "camera": np.array(residuals.camera, np.str_), "frame": residuals.frame,
            "residual_px": residuals.residual_px, "axes": np.array(json.dumps(_AXES)),
            "format": np.array(_FORMAT),
        },
    )  # fmt: skip


def read_residuals(path: str | Path) -> CameraResiduals:
    """Of the file, or of the run's folder. Raises InputError, naming file and field, where it is
    missing, damaged or of another version of mien."""
    file = Path(path)
    if file.is_dir():
        file = file / RESIDUALS_FILE
    if not file.is_file():
        raise InputError(f"{file}: not there; expected the {RESIDUALS_FILE} of `mien capture`")
    arrays = read_arrays(file)
    version = arrays.get("format", np.array("missing"))
    if version.tolist() != _FORMAT:
        raise InputError(
            f"{file}: field 'format' is {version.tolist()}, expected {_FORMAT}: capture again"
        )
    for name, kinds in _KINDS.items():
        if name not in arrays or arrays[name].dtype.kind not in kinds:
            raise InputError(f"{file}: field {name!r} is missing or of another kind: capture again")
    try:
        return CameraResiduals(
            tuple(arrays["camera"].tolist()), arrays["frame"], arrays["residual_px"]
        )
    except (InputError, TypeError) as reason:
        raise InputError(f"{file}: {reason}: capture again") from None
