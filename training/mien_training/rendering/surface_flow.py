"""Where the surface point that a pixel sees goes: the optical flow that a moving mesh makes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rendering.visibility import RasterOut, interpolate, rasterize

__all__ = ["SurfaceFlow", "surface_flow"]

_BEHIND_M = 0.003
"""A point that lies farther than this behind what the next image shows at its place is hidden."""


@dataclass(frozen=True, eq=False)
class SurfaceFlow:
    """Of B pairs of images."""

    flow: Tensor
    """(B, H, W, 2) pixels right and down, of what is at each pixel's centre; 0 beside the mesh."""
    triangle: Tensor
    """(B, H, W) int64 that the pixel sees in the first image; -1 beside the mesh."""
    visible: Tensor
    """(B, H, W) bool: the point is inside the second image as well, and nothing hides it there."""


def surface_flow(
    before: Tensor,
    after: Tensor,
    faces: Tensor,
    views: CameraBatch,
    camera: Tensor,
    size: tuple[int, int],
) -> SurfaceFlow:
    """Of world vertices (B, V, 3) `before` and `after`, each pair seen by its camera (B,).

    faces (F, 3); size (H, W). A pixel sees the point X = sum_i b_i v_i of its triangle, with
    perspective-correct b; its flow is project(sum_i b_i v'_i) - project(X).
    """
    with torch.no_grad():
        out = rasterize(views.clip(camera, before), faces, size)
        start = _at_pixels(before, faces, out, views, camera)
        end = _at_pixels(after, faces, out, views, camera)
        on_mesh = out.tri_id >= 0
        flow = torch.where(on_mesh[..., None], end[..., :2] - start[..., :2], 0.0)
        later = rasterize(views.clip(camera, after), faces, size)
        nearest = _at_pixels(after, faces, later, views, camera)[..., 2]
        nearest = torch.where(later.tri_id >= 0, nearest, torch.inf)
        column, row = end[..., 0].floor().long(), end[..., 1].floor().long()
        inside = (column >= 0) & (column < size[1]) & (row >= 0) & (row < size[0])
        batch = torch.arange(len(before), device=before.device)[:, None, None]
        shown = nearest[batch, row.clamp(0, size[0] - 1), column.clamp(0, size[1] - 1)]
        visible = on_mesh & inside & (end[..., 2] < shown + _BEHIND_M)
        return SurfaceFlow(flow, out.tri_id, visible)


def _at_pixels(
    vertices: Tensor, faces: Tensor, out: RasterOut, views: CameraBatch, camera: Tensor
) -> Tensor:
    """(B, H, W, 3) column, row, and distance along the camera's axis in metres, of the points that
    `out` sees, carried along with (B, V, 3) vertices."""
    points = interpolate(vertices, faces, out)
    flat = points.flatten(1, 2)
    pixels = views.pixels(camera, flat)
    axis, offset = views.camera_from_world[camera, 2, :3], views.camera_from_world[camera, 2, 3]
    depth = (flat * axis[:, None]).sum(-1) + offset[:, None]
    return torch.cat([pixels, depth[..., None]], -1).reshape(points.shape)
