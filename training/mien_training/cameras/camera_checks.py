"""What any file's intrinsics and pose must be, with the message where they are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["check_intrinsics", "check_pose"]

Float64Array = NDArray[np.float64]

_SHORTEST, _LONGEST = 0.05, 1000.0
"""Of the longer side; a focal length outside is not given in pixels."""
_RIGID = 1e-3
_FARTHEST = 1e9


def check_pose(pose: Float64Array, what: str) -> None:
    """Raises InputError, naming `what`, unless (4, 4) is a rotation and a shift, which is said to
    mirror, to scale, or to be no rotation at all."""
    turn = pose[:3, :3]
    expected = "expected [R t] above (0, 0, 0, 1)"
    if not np.isfinite(pose).all() or np.abs(pose).max() > _FARTHEST:
        raise InputError(f"{what} holds numbers that no pose has, {expected}")
    if not np.allclose(pose[3], (0, 0, 0, 1)):
        raise InputError(f"{what} is not a rotation and a shift: its last row is wrong, {expected}")
    volume, square = float(np.linalg.det(turn)), turn @ turn.T
    if np.allclose(square, np.eye(3), atol=_RIGID):
        if volume > 0:
            return
        why = "it mirrors (determinant -1: an axis is flipped)"
    elif volume != 0 and np.allclose(square / abs(volume) ** (2 / 3), np.eye(3), atol=_RIGID):
        why = f"it scales by {abs(volume) ** (1 / 3):.6g}"
    else:
        why = "its axes are not at right angles"
    raise InputError(f"{what} is not a rotation and a shift: {why}, {expected}")


def check_intrinsics(K: Float64Array, width: int, height: int, what: str) -> None:
    """Raises InputError, naming `what`, unless (3, 3) has focal lengths and a centre, in pixels, of
    a camera with images of width x height."""
    focal = np.array([K[0, 0], K[1, 1]]) / max(width, height)
    expected = "expected focal lengths and centre in pixels above (0, 0, 1)"
    if not np.isfinite(K).all() or not np.allclose(K[2], (0, 0, 1)) or K[1, 0] != 0:
        raise InputError(f"{what} is no camera's, {expected}")
    if not ((focal > _SHORTEST) & (focal < _LONGEST)).all():
        raise InputError(
            f"{what} is no camera's: focal lengths {K[0, 0]:g} and {K[1, 1]:g} for images of "
            f"{width} x {height}, {expected}"
        )
