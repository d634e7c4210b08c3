"""Antialiasing that gives outlines, and whatever else moves in an image, their gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.rendering.antialiasing.intersection_contours import find_intersections
from mien_training.rendering.antialiasing.outlines import EdgeTopology, find_outlines
from mien_training.rendering.antialiasing.surface_motion import move_with_surface, still
from mien_training.rendering.visibility import RasterOut

__all__ = ["EdgeTopology", "antialias", "still"]


def antialias(
    image: Tensor, out: RasterOut, verts_clip: Tensor, faces: Tensor, topology: EdgeTopology
) -> Tensor:
    """(B, H, W, C) image with its contours blended by how far they cut into pixels.

    `out` is `rasterize(verts_clip, faces, (H, W))`, better `still` of it. Differentiable in the
    image and in verts_clip (B, V, 4) through the position of outlines, of intersections of pieces
    and, if `out.bary` carries no gradient, of everything between them. Otherwise the shading by
    `out.bary` is taken to carry it there: right on average, and very noisy on a dense mesh.
    Raises InputError for other shapes.
    """
    batch, height, width = out.tri_id.shape
    if image.shape[:3] != out.tri_id.shape or verts_clip.shape[::2] != (batch, 4):
        raise InputError(
            f"antialias: image {tuple(image.shape)}, verts_clip {tuple(verts_clip.shape)}, "
            f"expected ({batch}, {height}, {width}, C) and ({batch}, V, 4)"
        )
    views = [_antialias(image[b], out, b, verts_clip[b], faces, topology) for b in range(batch)]
    return torch.stack(views)


def _antialias(
    image: Tensor, out: RasterOut, view: int, clip: Tensor, faces: Tensor, topology: EdgeTopology
) -> Tensor:
    """One view (H, W, C)."""
    height, width = size = (image.shape[0], image.shape[1])
    tri_id = out.tri_id[view].flatten()
    covered = tri_id >= 0
    points = _seen_points(out.bary[view].detach(), tri_id, clip, faces, size)
    w = clip[:, 3].detach()
    depth = torch.where(covered, 1 / points[:, 2].detach(), torch.inf)
    vertices = _screen(clip, size)
    contours = find_outlines(vertices[:, :2], w, depth, topology, size)
    piece = torch.where(covered, topology.piece[tri_id], -1)
    corners = vertices.detach()[faces[tri_id.clamp_min(0)]]
    contours = contours + find_intersections(points, corners, piece, contours, size)
    flat = image.reshape(height * width, -1)
    blended = contours.blend(flat)
    if not out.bary.requires_grad:
        blended = blended + move_with_surface(flat, points[:, :2], covered, contours, size)
    return blended.reshape(image.shape)


def _screen(clip: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 3) x and y in pixels and inverse depth of clip-space points (N, 4)."""
    w = clip[:, 3:]
    w = torch.where(w > 1e-6, w, 1.0)
    return torch.cat([(clip[:, :2] / w + 1) * 0.5 * clip.new_tensor([size[1], size[0]]), 1 / w], 1)


def _seen_points(
    bary: Tensor, tri_id: Tensor, clip: Tensor, faces: Tensor, size: tuple[int, int]
) -> Tensor:
    """(H * W, 3) x, y in pixels and inverse depth of the point of the surface in each pixel."""
    hit = (tri_id >= 0).nonzero()[:, 0]
    seen = (bary.reshape(-1, 3)[hit][..., None] * clip[faces[tri_id[hit]]]).sum(1)
    return clip.new_zeros(len(tri_id), 3).index_put((hit,), _screen(seen, size))
