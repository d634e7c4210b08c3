"""The part of space around a mesh in which a head may be, and where rays pass through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.avatar import PinholeCamera
from mien_training.cameras.camera import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import Template
from mien_training.rendering.visibility import rasterize
from mien_training.templates.regions import scalp_share

__all__ = ["BELOW_M", "HAIR_M", "SKIN_M", "Rays", "Shell", "vertex_normals"]

SKIN_M, HAIR_M, BELOW_M = 0.008, 0.07, 0.01
"""Thickness of the shell over skin and over the scalp, and how far rays go on below the mesh."""


@dataclass(frozen=True, eq=False)
class Rays:
    """R rays of one camera, in the vertices' space; near..far of each, metres along it."""

    pixels: Tensor
    """(R,) row * side + column."""
    origin: Tensor
    """(3,)"""
    directions: Tensor
    """(R, 3) unit."""
    near: Tensor
    """(R,)"""
    far: Tensor
    """(R,) larger than near."""

    def __len__(self) -> int:
        return len(self.pixels)

    def only(self, chosen: Tensor | slice) -> Rays:
        """Some of them."""
        return Rays(
            self.pixels[chosen], self.origin, self.directions[chosen], self.near[chosen],
            self.far[chosen],
        )  # fmt: skip

    def points(self, t: Tensor) -> Tensor:
        """(R, N, 3) at distances t (R, N)."""
        return self.origin + t[..., None] * self.directions[:, None]


class Shell(nn.Module):
    """Thickness by vertex."""

    thickness_m: Tensor
    triangles: Tensor

    def __init__(self, template: Template, hair: bool) -> None:
        """hair: thick over the scalp. Raises InputError where that is not known."""
        super().__init__()
        thick: NDArray[np.float32] = np.full(len(template.vertices), SKIN_M, np.float32)
        if hair:
            share = scalp_share(template, template.vertices)[0]
            # Hair falls over the skin beside the scalp.
            share = np.sqrt(_spread(share.clip(0, 1), template))
            thick += (HAIR_M - SKIN_M) * share
        self.register_buffer("thickness_m", torch.from_numpy(thick))
        self.register_buffer("triangles", torch.from_numpy(template.triangles.astype(np.int64)))

    def rays(self, vertices: Tensor, camera: PinholeCamera, side: int) -> Rays:
        """Those of a square image's pixels that pass the shell of vertices (V, 3), metres.

        From where the mesh, inflated by its thickness, begins, to BELOW_M behind the first point
        of the mesh itself; where that is missed, to where the inflated one ends.
        """
        device = vertices.device
        K = np.asarray(camera.K, np.float64)
        pose = np.asarray(camera.camera_from_world, np.float64)
        views = CameraBatch.of([Camera(K, pose, side, side)]).to(device)
        view = views.camera_from_world[0]
        swollen = vertices + self.thickness_m[:, None] * vertex_normals(vertices, self.triangles)
        begin = self._depth(swollen, views, side)
        end = self._depth(swollen, views, side, last=True)
        mesh = self._depth(vertices, views, side)
        on_mesh = mesh.isfinite()
        begin = torch.minimum(begin, mesh - SKIN_M)
        end = torch.where(on_mesh, mesh + BELOW_M, end)
        pixels = (begin.isfinite() & (end > begin)).nonzero()[:, 0]
        at = torch.stack([pixels % side, pixels // side], 1).float() + 0.5
        inverse = torch.linalg.inv(views.intrinsics[0].double()).float()
        local = F.normalize(F.pad(at, (0, 1), value=1.0) @ inverse.T, dim=1)
        return Rays(
            pixels, views.centres[0], local @ view[:3, :3],
            (begin[pixels] / local[:, 2]).clamp_min(0.0), end[pixels] / local[:, 2],
        )  # fmt: skip

    def _depth(self, vertices: Tensor, views: CameraBatch, side: int, last: bool = False) -> Tensor:
        """(side^2,) depth, metres, of the first or last surface at each pixel; inf for none."""
        one = torch.zeros(1, dtype=torch.long, device=vertices.device)
        clip = views.clip(one, vertices[None])
        if last:
            clip = clip * torch.tensor([1.0, 1.0, -1.0, 1.0], device=vertices.device)
        drawn = rasterize(clip, self.triangles, (side, side))
        triangle = drawn.tri_id.flatten()
        depth = clip[0, self.triangles[triangle.clamp_min(0)], 3]
        found = (depth * drawn.bary.reshape(-1, 3)).sum(1)
        return torch.where(triangle >= 0, found, torch.inf)


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(V, 3) unit, of the triangles (F, 3) around each vertex, weighted by area."""
    p = vertices[triangles]
    across = torch.linalg.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    total = torch.zeros_like(vertices)
    for corner in range(3):
        total = total.index_add(0, triangles[:, corner], across)
    return F.normalize(total, dim=1, eps=1e-20)


def _spread(share: NDArray[np.float32], template: Template) -> NDArray[np.float32]:
    """(V,) the largest share within two edges, smoothed: hair falls over its border."""
    edges = template.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    for _ in range(2):
        wider = share.copy()
        np.maximum.at(wider, edges[:, 0], share[edges[:, 1]])
        np.maximum.at(wider, edges[:, 1], share[edges[:, 0]])
        share = wider
    return share
