"""Images of a scan together with the surface point behind every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.cameras.camera import Camera, clip_from_camera
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.rendering.visibility import rasterize

__all__ = ["ScanRender", "render_scan"]

Float64Array = NDArray[np.float64]

_AMBIENT = 0.45
_KEY = np.array([0.35, 0.45, 0.82])
"""Towards the light, in the camera's right, up, back."""


@dataclass(frozen=True, eq=False)
class ScanRender:
    """What a camera sees of a scan."""

    image: NDArray[np.uint8]
    """(H, W, 3) sRGB."""
    points: Float64Array
    """(h, w, 3) surface point behind every sample, world; NaN where none is."""
    normals: Float64Array
    """(h, w, 3) unit normal there, the world's axes."""

    def under(self, pixels: Float64Array) -> tuple[Float64Array, Float64Array, NDArray[np.bool_]]:
        """(L, 3) points and normals nearest to (L, 2) pixels, and (L,) whether right there.

        Beyond the silhouette the nearest sample of the surface answers.
        """
        height, width = self.points.shape[:2]
        samples = height / self.image.shape[0]
        at = np.floor(pixels * samples).astype(np.int64)
        column, row = at[:, 0].clip(0, width - 1), at[:, 1].clip(0, height - 1)
        covered = np.isfinite(self.points[..., 0])
        there = covered[row, column]
        if not there.all():
            nearest = ndimage.distance_transform_edt(
                ~covered, return_distances=False, return_indices=True
            )
            row, column = nearest[:, row, column]
        return self.points[row, column], self.normals[row, column], there


def render_scan(
    scan: Scan, world_from_scan: Alignment, camera: Camera, samples: int = 1, lit: bool = True
) -> ScanRender:
    """The scan, moved, at `samples` x `samples` per pixel.

    Matt, lit from over the camera's right shoulder, or its colours alone.
    """
    vertices = world_from_scan.points(scan.vertices)
    height, width = camera.height * samples, camera.width * samples
    distance = np.linalg.norm(vertices - camera.centre, axis=1)
    near, far = max(0.5 * distance.min(), 1e-3 * distance.max()), 1.1 * distance.max()
    matrix = clip_from_camera(camera, float(near), float(far)) @ camera.camera_from_world
    clip = np.c_[vertices, np.ones(len(vertices))] @ matrix.T
    points_clip = torch.from_numpy(clip[None].astype(np.float32))
    seen = rasterize(points_clip, torch.from_numpy(scan.triangles), (height, width))
    triangle = seen.tri_id[0].numpy()
    row, column = np.nonzero(triangle >= 0)
    hit = triangle[row, column]
    shares = seen.bary[0].numpy()[row, column]
    corners = scan.triangles[hit]
    points = np.full((height, width, 3), np.nan)
    points[row, column] = np.einsum("pc,pcx->px", shares, vertices[corners])
    found = np.einsum("pc,pcx->px", shares, scan.normals[corners]) @ world_from_scan.rotation.T
    found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    normals = np.zeros((height, width, 3))
    normals[row, column] = found
    right, down, forward = camera.camera_from_world[:3, :3]
    key = _KEY @ np.stack([right, -down, -forward])
    light = _AMBIENT + (1 - _AMBIENT) * (found @ key).clip(0, 1) if lit else np.ones(len(hit))
    image = np.full((height, width, 3), 120.0)
    image[row, column] = scan.colour_at(hit, shares) * light[:, None]
    small = image.reshape(camera.height, samples, camera.width, samples, 3).mean((1, 3))
    return ScanRender(np.rint(small.clip(0, 255)).astype(np.uint8), points, normals)
