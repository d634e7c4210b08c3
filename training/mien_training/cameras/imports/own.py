"""mien's own calibration file, so that its unit can be given and its cameras named anew."""

from __future__ import annotations

from pathlib import Path

from mien_training.cameras.calibration import read_calibration, scaled
from mien_training.cameras.imports.foreign_camera import ForeignCamera

__all__ = ["read_own"]


def read_own(path: Path) -> tuple[list[ForeignCamera], float | None]:
    """The cameras, in the file's own unit, and that unit in metres. Raises InputError as
    `read_calibration` does."""
    found = read_calibration(path)
    masks = {name: str(mask) for name, mask in found.masks.items()}
    cameras = [
        ForeignCamera(name, scaled(camera, 1 / (found.unit_m or 1.0)), masks.get(name))
        for name, camera in found.cameras.items()
    ]
    return cameras, found.unit_m
