"""What each pixel of a rendered image shows: part, depth, normal, texture coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_training.cameras.camera import Camera, project

__all__ = ["LabelMaps", "read_label_maps"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class LabelMaps:
    """Labels at pixel centres, all of the one triangle that is seen there."""

    triangle: NDArray[np.int32]
    """(H, W) index of the triangle; -1 where none is seen."""
    part: NDArray[np.int8]
    """(H, W) index into `scene_mesh.PARTS`; -1 where none is seen."""
    depth_m: Float32Array
    """(H, W) distance along the camera's axis, metres; 0 where none is seen."""
    normals: Float32Array
    """(H, W, 3) unit vectors in the world that face the camera; 0 where none is seen."""
    uv: Float32Array
    """(H, W, 2) texture coordinates, (0, 0) the upper left; 0 where none is seen."""
    weights: Float32Array
    """(H, W, 3) of the triangle's corners at the place seen; 0 where none is."""

    def interpolate(self, values: Float32Array, triangles: NDArray[np.int32]) -> Float32Array:
        """(H, W, N) what (V, N) vertices of the first F of the triangles drawn have at each
        pixel's place; 0 where no such triangle is seen. triangles (F, 3)."""
        rows, columns = np.nonzero((self.triangle >= 0) & (self.triangle < len(triangles)))
        corners = values[triangles[self.triangle[rows, columns]]]
        found = np.zeros((*self.triangle.shape, values.shape[1]), np.float32)
        found[rows, columns] = _blend(self.weights[rows, columns], corners)
        return found


def read_label_maps(
    triangle: NDArray[np.int32],
    camera: Camera,
    vertices: Float32Array,
    normals: Float32Array,
    uvs: Float32Array,
    triangles: NDArray[np.int32],
    triangle_part: NDArray[np.int8],
) -> LabelMaps:
    """Maps from the (H, W) triangle seen at each pixel's centre.

    vertices (V, 3) world, metres; normals (V, 3); uvs (V, 2); triangles (F, 3); triangle_part (F,).
    Vertex normals are interpolated; where those turn away from the camera (near outlines), the
    triangle's own normal stands instead.
    """
    height, width = triangle.shape
    part = np.full((height, width), -1, np.int8)
    depth = np.zeros((height, width), np.float32)
    facing = np.zeros((height, width, 3), np.float32)
    uv = np.zeros((height, width, 2), np.float32)
    corner_weights = np.zeros((height, width, 3), np.float32)
    rows, columns = np.nonzero(triangle >= 0)
    if len(rows):
        seen = triangle[rows, columns]
        used = np.zeros(len(triangles), np.bool_)
        used[seen] = True
        drawn = np.zeros(len(vertices), np.bool_)
        drawn[triangles[used]] = True
        index = np.cumsum(drawn) - 1
        corner = index[triangles[seen]]
        places = vertices[drawn].astype(np.float64)
        pixels, distance = project(camera, places)
        at = np.asarray(np.stack([columns, rows], 1) + 0.5, np.float64)
        weights = _perspective_weights(pixels[corner], distance[corner], at)
        depth[rows, columns] = _dot(weights, distance[corner])
        corners = places[corner]
        sight = camera.centre - _blend(weights, corners)
        smooth = _unit(_blend(weights, normals[drawn][corner]))
        away = np.flatnonzero(_dot(smooth, sight) <= 0)
        if len(away):
            a, b, c = corners[away].transpose(1, 0, 2)
            flat = _unit(np.cross(b - a, c - a))
            flat *= np.where(_dot(flat, sight[away]) < 0, -1.0, 1.0)[:, None]
            smooth[away] = flat
        facing[rows, columns] = smooth
        uv[rows, columns] = _blend(weights, uvs[drawn][corner])
        part[rows, columns] = triangle_part[seen]
        corner_weights[rows, columns] = weights
    return LabelMaps(triangle, part, depth, facing, uv, corner_weights)


def _perspective_weights(
    corners: NDArray[np.float64], distance: NDArray[np.float64], at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N, 3) barycentric weights on the surface of pixels `at` (N, 2) in triangles (N, 3, 2)."""
    a, b, c = (corners[:, i] - at for i in range(3))

    def cross(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])

    weights = np.stack([cross(b, c), cross(c, a), cross(a, b)], 1) / distance
    return np.asarray(weights / (weights[:, 0] + weights[:, 1] + weights[:, 2])[:, None])


def _blend(weights: FloatArray, corners: FloatArray) -> FloatArray:
    """(N, D) of corners (N, 3, D) by weights (N, 3): much faster than summing over an axis of 3."""
    w = weights[..., None]
    return np.asarray(w[:, 0] * corners[:, 0] + w[:, 1] * corners[:, 1] + w[:, 2] * corners[:, 2])


def _dot(one: FloatArray, other: FloatArray) -> FloatArray:
    """(N,) of (N, 3) each."""
    return np.asarray(one[:, 0] * other[:, 0] + one[:, 1] * other[:, 1] + one[:, 2] * other[:, 2])


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), 1e-12)[:, None])
