"""relief.npz: heights on the face atlas that a rig run of a scan leaves for others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien.errors import InputError
from mien_training.runs.cache import read_arrays, write_arrays

__all__ = ["RELIEF_SIDE", "read_relief", "write_relief"]

RELIEF_SIDE = 256
"""Texels along the atlas in the file."""
_FILE, _FIELD = "relief.npz", "height_m"


def write_relief(folder: Path, height: NDArray[np.float32]) -> None:
    """height (S, S) metres."""
    write_arrays(folder / _FILE, {_FIELD: height})


def read_relief(folder: Path, size: int) -> NDArray[np.float32]:
    """(size, size) metres. Raises InputError, naming it, for a missing or damaged file."""
    path = folder / _FILE
    if not path.is_file():
        raise InputError(
            f"{path}: not there; expected what `mien train rig SCAN --scan.normals IMAGE` leaves"
        )
    height = read_arrays(path).get(_FIELD, np.zeros(0))
    square = height.ndim == 2 and height.shape[0] == height.shape[1] > 1
    if not square or height.dtype.kind != "f" or not np.isfinite(height).all():
        raise InputError(f"{path}: field {_FIELD!r} is {height.shape}, expected (S, S) metres")
    zoomed = ndimage.zoom(height.astype(np.float32), size / len(height), order=1)
    return np.asarray(zoomed, np.float32)
