"""Who sees what: rays from points of a scene to cameras, whatever the size of their images."""

from __future__ import annotations

import numpy as np
import warp as wp
from numpy.typing import NDArray

from mien_training.cameras import Camera, project
from mien_training.geometry.query_kernels import line_of_sight_kernel

__all__ = ["LinesOfSight"]

Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_LIFT_M = 2e-4
"""By which rays start off the surface that they leave: off its normal, and along the ray."""


class LinesOfSight:
    """Through one scene: everything that can hide anything."""

    def __init__(self, vertices: Float32Array, triangles: NDArray[np.int32]) -> None:
        """vertices (V, 3) world, metres; triangles (F, 3); both sides hide."""
        with wp.ScopedDevice("cpu"):
            self._mesh = wp.Mesh(
                wp.array(np.ascontiguousarray(vertices, np.float32), dtype=wp.vec3),
                wp.array(np.ascontiguousarray(triangles, np.int32).ravel(), dtype=int),
            )

    def seen(self, points: Float32Array, normals: Float32Array, camera: Camera) -> BoolArray:
        """(N,) points (N, 3) of the surface that face the camera, lie in its image, and are hidden
        by nothing. normals (N, 3) unit, outwards."""
        way = camera.centre.astype(np.float32) - points
        x, y, z = (way * normals).T
        at = np.flatnonzero(x + y + z > 0)
        pixels, depth = project(camera, points[at])
        column, row = pixels.T
        inside = (depth > 0) & (column >= 0) & (column <= camera.width)
        at = at[inside & (row >= 0) & (row <= camera.height)]
        result = np.zeros(len(points), np.bool_)
        result[at] = self.clear(points[at] + np.float32(_LIFT_M) * normals[at], camera)
        return result

    def clear(self, points: Float32Array, camera: Camera) -> BoolArray:
        """(N,) whether nothing lies between points (N, 3) and the camera's centre."""
        with wp.ScopedDevice("cpu"):
            clear = wp.zeros(len(points), dtype=wp.bool)
            start = wp.array(np.ascontiguousarray(points, np.float32), dtype=wp.vec3)
            wp.launch(
                line_of_sight_kernel,
                dim=len(points),
                inputs=[self._mesh.id, start, wp.vec3(*camera.centre.tolist()), _LIFT_M, clear],
            )
            return np.asarray(clear.numpy(), np.bool_)
