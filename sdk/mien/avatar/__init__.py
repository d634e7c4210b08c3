"""The photoreal side of a character: Gaussian splats and their pictures. Loads Warp when it draws.

Needs the extra `avatar` for drawing; reading and holding splats takes numpy alone.
"""

from mien.avatar.draw_splats import draw_splats
from mien.avatar.pinhole import Pinhole, PinholeCamera
from mien.avatar.splats import Splats

__all__ = ["Pinhole", "PinholeCamera", "Splats", "draw_splats"]
