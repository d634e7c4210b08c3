"""Images of a known, posed head laid out on its face atlas: colour, normal and sight per texel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rendering.bake import TexelMap
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.relief_normals import atlas_gradients
from mien_training.rendering.shading import linear_from_srgb
from mien_training.rendering.visibility import rasterize

__all__ = ["ObservedSkin", "observe_skin"]

_SQUARELY = 0.25
"""Cosine of the line of sight below which a texel tells nothing."""
_BEHIND_M = 0.002
"""A texel this far behind what its pixel sees is hidden."""
_DARK, _BRIGHT = 0.004, 0.93
"""Linear light below and above which a sensor tells nothing about its changes."""


@dataclass(frozen=True, eq=False)
class ObservedSkin:
    """E frames of the N texels of one head."""

    texels: TexelMap
    colour: Tensor
    """(E, N, 3) linear light; 0 where a texel is not seen."""
    weight: Tensor
    """(E, N) 0..1 how much a colour tells: 0 hidden, turned away, too dark or too bright."""
    normal: Tensor
    """(E, N, 3) unit normals of the smooth head, in the world."""
    gradients: Tensor
    """(E, N, 2, 3) of the atlas's u and v along the surface, per metre, in the world."""
    overexposed: Tensor
    """(E,) share of the seen texels that are too bright."""

    @property
    def luminance(self) -> Tensor:
        """(E, N) linear."""
        return self.colour @ self.colour.new_tensor([0.2126, 0.7152, 0.0722])


def observe_skin(
    images: Tensor, vertices: Tensor, views: CameraBatch, camera: Tensor, atlas: FaceAtlas,
    size: int,
) -> ObservedSkin:  # fmt: skip
    """images (E, H, W, 3) uint8 sRGB of vertices (E, V, 3) in the world, each seen by its camera
    (E,); `size`: the atlas's side. Vertices are the template's, not split at seams."""
    texels = atlas.texels(size)
    faces = torch.from_numpy(atlas.template.triangles.astype(np.int64))
    corners = torch.from_numpy(texels.corners.astype(np.int64))
    share = torch.from_numpy(texels.bary)[:, :, None]
    parts: list[tuple[Tensor, ...]] = []
    for e in range(len(images)):
        one, posed = camera[e : e + 1], vertices[e : e + 1].float()
        place = (posed[0, corners] * share).sum(1)
        normals = F.normalize(vertex_normals(posed, faces)[0], dim=-1)
        normal = F.normalize((normals[corners] * share).sum(1), dim=-1)
        both = atlas_gradients(posed, atlas.triangles, torch.from_numpy(atlas.places))[0]
        gradients = (both[corners] * share[..., None]).sum(1)
        gradients = (
            gradients - (gradients * normal[:, None]).sum(-1, keepdim=True) * normal[:, None]
        )
        pixels = views.pixels(one, place[None])[0]
        seen, square = _visible(
            posed, faces, views, one, place, pixels, (images.shape[1], images.shape[2]), normal
        )
        picture = torch.from_numpy(linear_from_srgb(images[e].numpy())).permute(2, 0, 1)[None]
        size_px = torch.tensor([images.shape[2], images.shape[1]])
        grid = (2 * pixels / size_px - 1)[None, None]
        colour = F.grid_sample(picture, grid, align_corners=False)[0, :, 0].T
        bright = colour.amax(1) > _BRIGHT
        weight = seen * square * ~bright * (colour.amin(1) > _DARK)
        lost = (seen.bool() & bright).sum() / seen.sum().clamp_min(1)
        parts.append((colour * seen[:, None], weight, normal, gradients, lost))
    colour, weight, normal, gradients, lost = (
        torch.stack(column) for column in zip(*parts, strict=True)
    )
    return ObservedSkin(texels, colour, weight, normal, gradients, lost)


def _visible(
    posed: Tensor, faces: Tensor, views: CameraBatch, camera: Tensor, place: Tensor,
    pixels: Tensor, size: tuple[int, int], normal: Tensor,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(N,) 1 where nothing hides a texel, and (N,) how squarely it is seen, 0..1."""
    out = rasterize(views.clip(camera, posed), faces, size)
    axis = views.camera_from_world[camera[0], 2, :3]
    offset = views.camera_from_world[camera[0], 2, 3]
    depth = place @ axis + offset
    hit = out.tri_id[0].clamp_min(0)
    surface = (posed[0, faces[hit]] * out.bary[0][..., None]).sum(2) @ axis + offset
    surface = torch.where(out.tri_id[0] >= 0, surface, torch.inf)
    column, row = pixels.floor().long().unbind(-1)
    inside = (column >= 0) & (column < size[1]) & (row >= 0) & (row < size[0])
    shown = surface[row.clamp(0, size[0] - 1), column.clamp(0, size[1] - 1)]
    seen = inside & (depth < shown + _BEHIND_M)
    sight = F.normalize(views.centres[camera[0]] - place, dim=-1)
    cosine = (sight * normal).sum(-1)
    return seen.float(), ((cosine - _SQUARELY) / (0.7 - _SQUARELY)).clamp(0, 1)
