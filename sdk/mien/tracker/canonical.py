"""The canonical face: MediaPipe's mean face, and the points of it that expressions barely move."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRES_PER_UNIT", "POSE_POINTS", "RIGID_POINTS", "canonical_vertices"]

METRES_PER_UNIT = 0.01
"""The canonical face is in centimetres."""

RIGID_POINTS: NDArray[np.int64] = np.array(
    [10, 67, 297, 54, 284, 162, 389, 127, 356, 234, 454, 33, 263, 133, 362, 168, 6, 197, 195, 5]
)
"""(20,) hairline, temples, cheekbones, corners of the eyes, bridge of the nose."""

POSE_POINTS: NDArray[np.int64] = np.array(
    [
        10, 109, 338, 67, 297, 103, 332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454, 93, 323,
        33, 263, 133, 362, 168, 6, 197, 195, 5, 4, 1, 122, 351, 196, 419, 3, 248, 51, 281, 45, 275,
        116, 345, 117, 346, 123, 352, 143, 372, 34, 264, 227, 447, 137, 366,
    ]
)  # fmt: skip
"""(54,) the rigid points and their neighbours on nose, cheekbones and temples."""


@cache
def canonical_vertices() -> NDArray[np.float64]:
    """(468, 3) centimetres; x towards the person's left, y up, z out of the face; read-only."""
    with (files("mien.tracker") / "models" / "canonical_face.npz").open("rb") as file:
        vertices: NDArray[np.float64] = np.load(file)["vertices_cm"].astype(np.float64)
    vertices.flags.writeable = False
    return vertices
