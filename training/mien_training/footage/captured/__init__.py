"""Meshes of every moment, as multi-view capture leaves them, and what the cameras saw."""

from mien_training.footage.captured.camera_residuals import CameraResiduals
from mien_training.footage.captured.captured_meshes import CapturedMeshes
from mien_training.footage.captured.meshes_file import MESHES_FILE, read_meshes, write_meshes
from mien_training.footage.captured.moment_sightings import MomentSightings
from mien_training.footage.captured.residuals_file import (
    RESIDUALS_FILE,
    read_residuals,
    write_residuals,
)

__all__ = [
    "MESHES_FILE", "RESIDUALS_FILE", "CameraResiduals", "CapturedMeshes", "MomentSightings",
    "read_meshes", "read_residuals", "write_meshes", "write_residuals",
]  # fmt: skip
