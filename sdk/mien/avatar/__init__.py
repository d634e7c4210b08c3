"""The photoreal side of a character: anchors, Gaussian splats on them, and their pictures.

Drawing needs the extra `avatar` and loads Warp; reading and holding splats takes numpy alone.
"""

from mien.avatar.anchors import AnchorPoses, Anchors, displacement_image, pose_anchors, raise_layers
from mien.avatar.draw_splats import draw_splats
from mien.avatar.pinhole import Pinhole, PinholeCamera
from mien.avatar.splats import Splats

__all__ = [
    "AnchorPoses",
    "Anchors",
    "Pinhole",
    "PinholeCamera",
    "Splats",
    "displacement_image",
    "draw_splats",
    "pose_anchors",
    "raise_layers",
]
