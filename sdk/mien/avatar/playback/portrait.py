"""The camera of stills: straight before the neutral head."""

from __future__ import annotations

import numpy as np

from mien.avatar.pinhole import Pinhole
from mien.errors import InputError
from mien.rig import Rig

__all__ = ["portrait"]

_BEHIND_TIP_M = 0.06
"""How far the point that is looked at lies behind the foremost one."""


def portrait(rig: Rig, width: int, height: int, vertical_fov: float = 0.32) -> Pinhole:
    """Looks at the rig's face from the front, so that the head fills most of the image's height.

    vertical_fov in radians. Raises InputError for an image without pixels and for an angle outside
    0 to pi.
    """
    if min(width, height) < 1 or not 0 < vertical_fov < np.pi:
        raise InputError(
            f"portrait: {width} x {height} pixels, vertical_fov {vertical_fov} rad, expected at "
            "least 1 x 1, and above 0, below pi"
        )
    low, high = rig.vertices.min(0).astype(float), rig.vertices.max(0).astype(float)
    middle = 0.55 * high[1] + 0.45 * low[1]
    target = np.array([0.5 * (low[0] + high[0]), middle, high[2] - _BEHIND_TIP_M])
    tall = 1.06 * max(high[1] - low[1], (high[0] - low[0]) * height / width)
    eye = target + np.array([0.0, 0.0, 0.5 * tall / np.tan(0.5 * vertical_fov)])
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = -pose[:3, :3] @ eye
    focal = 0.5 * height / np.tan(0.5 * vertical_fov)
    return Pinhole(np.array([[focal, 0, 0.5 * width], [0, focal, 0.5 * height], [0, 0, 1]]), pose)
