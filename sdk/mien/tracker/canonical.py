"""The canonical face: MediaPipe's mean face."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

__all__ = ["METRES_PER_UNIT", "canonical_vertices"]

METRES_PER_UNIT = 0.01
"""The canonical face is in centimetres."""


@cache
def canonical_vertices() -> NDArray[np.float64]:
    """(468, 3) centimetres; x towards the person's left, y up, z out of the face; read-only."""
    with (files("mien.tracker") / "models" / "canonical_face.npz").open("rb") as file:
        vertices: NDArray[np.float64] = np.load(file)["vertices_cm"].astype(np.float64)
    vertices.flags.writeable = False
    return vertices
