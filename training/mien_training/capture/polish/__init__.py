"""A predicted mesh moves along its normals until the pictures of its moment agree."""

from mien_training.capture.polish.picture_levels import HeadUnseenError
from mien_training.capture.polish.polish_config import QUICK_POLISH, PolishConfig
from mien_training.capture.polish.polish_mesh import Polished, polish_mesh

__all__ = ["QUICK_POLISH", "HeadUnseenError", "PolishConfig", "Polished", "polish_mesh"]
