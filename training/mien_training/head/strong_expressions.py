"""What people's faces do most strongly, and what a rig makes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.rig import Rig

__all__ = ["EXPRESSIONS", "full_on"]

EXPRESSIONS: tuple[tuple[str, ...], ...] = (
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("browDownLeft", "browDownRight"),
    ("browDownLeft", "browDownRight", "noseSneerLeft", "noseSneerRight"),
    ("eyeSquintLeft", "eyeSquintRight", "cheekSquintLeft", "cheekSquintRight"),
    ("eyeBlinkLeft", "eyeBlinkRight"),
    ("mouthSmileLeft", "mouthSmileRight"),
    ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight"),
    ("mouthFrownLeft", "mouthFrownRight"),
    ("mouthPucker",),
    ("mouthFunnel",),
    ("mouthShrugLower",),
    ("mouthPressLeft", "mouthPressRight"),
    ("mouthStretchLeft", "mouthStretchRight"),
    ("jawOpen",),
)
"""What people's faces do most strongly: shapes that are full on together."""


def full_on(rig: Rig) -> NDArray[np.float32]:
    """(E, K) weights of the expressions as far as the rig has their shapes, and of each alone."""
    index = rig.shape_index
    rows = [[index[name] for name in names if name in index] for names in EXPRESSIONS]
    rows += [[k] for k in range(len(rig.shape_names))]
    weights = np.zeros((len(rows), len(rig.shape_names)), np.float32)
    for row, shapes in zip(weights, rows, strict=True):
        row[shapes] = 1.0
    return weights
