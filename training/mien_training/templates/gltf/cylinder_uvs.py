"""Texture coordinates for a mesh that has none: a label wound around its upright axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["cylinder_uvs"]

Float64Array = NDArray[np.float64]


def cylinder_uvs(
    vertices: Float64Array, triangles: NDArray[np.int64]
) -> tuple[Float64Array, NDArray[np.int64]]:
    """(U, 2) coordinates, v downwards, and (F, 3) triangles over them, corner by corner.

    `vertices` (V, 3) stand upright (+Y up, face along +Z): the seam runs down the back. The first
    V coordinates are the vertices' own; where a triangle crosses the seam, the corners beyond it
    have further ones.
    """
    low, high = vertices.min(0), vertices.max(0)
    x, y, z = (vertices - 0.5 * (low + high)).T
    uvs = np.stack([0.5 + np.arctan2(x, z) / (2 * np.pi), -y], 1)
    corner = uvs[triangles, 0]
    beyond = (np.ptp(corner, axis=1) > 0.5)[:, None] & (corner < 0.5)
    twins, number = np.unique(triangles[beyond], return_inverse=True)
    around = triangles.copy()
    around[beyond] = len(uvs) + number
    return np.concatenate([uvs, uvs[twins] + [1, 0]]), around
