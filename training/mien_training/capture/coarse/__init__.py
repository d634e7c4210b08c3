"""The coarse stage's geometry: control vertices, volumes of features, places of voxels."""

from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.coarse.soft_argmax import log_prior, soft_argmax
from mien_training.capture.coarse.upsampling import biharmonic_upsampling
from mien_training.capture.coarse.view_fusion import fuse_views, surface_weights
from mien_training.capture.coarse.view_samples import sample_views
from mien_training.capture.coarse.volume_grid import VolumeGrid

__all__ = [
    "VolumeGrid", "biharmonic_upsampling", "control_vertices", "fuse_views", "log_prior",
    "sample_views", "soft_argmax", "surface_weights",
]  # fmt: skip
