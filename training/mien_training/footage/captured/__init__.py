"""Meshes of every moment, as multi-view capture leaves them."""

from mien_training.footage.captured.captured_meshes import CapturedMeshes
from mien_training.footage.captured.meshes_file import MESHES_FILE, read_meshes, write_meshes

__all__ = ["MESHES_FILE", "CapturedMeshes", "read_meshes", "write_meshes"]
