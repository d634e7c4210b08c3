"""The rig as a camera sees it, differentiable from pixels to vertices, texture and light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import Template
from mien_training.rendering.antialiasing.antialias import EdgeTopology, antialias, still
from mien_training.rendering.appearance import Appearance
from mien_training.rendering.visibility import rasterize

__all__ = ["DifferentiableHead", "RenderedHead", "vertex_normals"]


@dataclass(frozen=True, eq=False)
class RenderedHead:
    """B rendered frames."""

    colour: Tensor
    """(B, H, W, 3) sRGB 0..1 over the given background."""
    coverage: Tensor
    """(B, H, W) share of the pixel that the head covers."""
    triangle: Tensor
    """(B, H, W) int64; -1 where the background shows."""
    bary: Tensor
    """(B, H, W, 3) where on the triangle."""

    def row(self, index: int) -> RenderedHead:
        """One frame, (1, ...), without gradients."""
        rows = slice(index, index + 1)
        parts = (self.colour, self.coverage, self.triangle, self.bary)
        return RenderedHead(*(part[rows].detach() for part in parts))


class DifferentiableHead(nn.Module):
    """Renders one template's topology."""

    faces: Tensor
    uvs: Tensor
    uv_faces: Tensor
    material: Tensor

    def __init__(self, template: Template) -> None:
        super().__init__()
        self.register_buffer("faces", torch.from_numpy(template.triangles.astype(np.int64)))
        self.register_buffer("uvs", torch.from_numpy(template.uvs))
        self.register_buffer("uv_faces", torch.from_numpy(template.uv_triangles.astype(np.int64)))
        self.register_buffer(
            "material", torch.from_numpy(template.triangle_material.astype(np.int64))
        )
        self._edges = EdgeTopology.of(template.triangles)

    def forward(
        self,
        vertices: Tensor,
        views: CameraBatch,
        camera: Tensor,
        appearance: Appearance,
        background: Tensor,
        smooth_edges: bool = True,
    ) -> RenderedHead:
        """Frames of world vertices (B, V, 3), each by its camera (B,), over (B, H, W, 3) pixels.

        Without `smooth_edges` outlines are hard and have no gradient, for half the work.
        """
        clip = views.clip(camera, vertices)
        size = (background.shape[1], background.shape[2])
        # `still`: antialias carries shaded colours along; slivers would make that very noisy.
        out = still(rasterize(clip, self.faces, size))
        view, row, column = (out.tri_id >= 0).nonzero(as_tuple=True)
        triangle = out.tri_id[view, row, column]
        share = out.bary[view, row, column][..., None]
        uv = (share * self.uvs[self.uv_faces[triangle]]).sum(1)
        normals = vertex_normals(vertices, self.faces)
        normal = (share * normals[view[:, None], self.faces[triangle]]).sum(1)
        place = (share * vertices[view[:, None], self.faces[triangle]]).sum(1)
        sight = views.centres[camera[view]] - place
        colour = appearance(self.material[triangle], uv, normal, sight, camera[view])
        where = (view, row, column)
        covered = torch.zeros_like(background[..., :1]).index_put(
            where, torch.ones_like(share[:, 0])
        )
        image = torch.cat([background.index_put(where, colour), covered], -1)
        if smooth_edges:
            self._edges = self._edges.to(vertices.device)
            image = antialias(image, out, clip, self.faces, self._edges)
        return RenderedHead(image[..., :3], image[..., 3], out.tri_id, out.bary)

    def shading_slopes(
        self, vertices: Tensor, normals: Tensor, views: CameraBatch, camera: Tensor,
        appearance: Appearance, triangle: Tensor, share: Tensor,
    ) -> Tensor:  # fmt: skip
        """(P, 3, 3) how colours (second axis) change with the unit normal (last axis, world).

        Of one frame: vertices (V, 3) and their normals, of any length, in the world; camera (); at
        places share (P, 3) on triangles (P,).
        """
        corners, weight = self.faces[triangle], share[..., None]
        uv = (weight * self.uvs[self.uv_faces[triangle]]).sum(1)
        sight = views.centres[camera] - (weight * vertices[corners]).sum(1)
        normal = nn.functional.normalize((weight * normals[corners]).sum(1), dim=-1).detach()
        with torch.enable_grad():
            normal.requires_grad_()
            colour = appearance(
                self.material[triangle], uv, normal, sight, camera.expand(len(triangle))
            )
            rows = [
                torch.autograd.grad(colour[:, c].sum(), normal, retain_graph=c < 2)[0]
                for c in range(3)
            ]
        return torch.stack(rows, 1)


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """(B, V, 3) outward normals of (B, V, 3), of the length of twice their triangles' areas."""
    a, b, c = vertices[:, faces].unbind(2)
    normal = torch.linalg.cross(b - a, c - a)
    total = torch.zeros_like(vertices)
    for corner in range(3):
        total = total.index_add(1, faces[:, corner], normal)
    return total
