"""Refinement in the form of TEMPEH: a small volume around each vertex.

Bolkart, Li and Black 2023, "Instant Multi-View Head Capture through Learnable Registration",
section 3.2: in a grid about each vertex, features of all views, fused by how well each sees the
vertex; a 3-D net that all vertices share; the mean place under its scores. Here for control
vertices alone, through which the others are drawn: a volume for each of several thousand vertices
takes a CPU seconds, which is why layers along the normals (`Refinement`) are what ships.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.coarse.soft_argmax import log_prior, soft_argmax
from mien_training.capture.coarse.upsampling import biharmonic_upsampling
from mien_training.capture.coarse.view_fusion import fuse_views, surface_weights
from mien_training.capture.coarse.view_samples import sample_views
from mien_training.capture.coarse.volume_grid import VolumeGrid
from mien_training.capture.learning.moment_reading import LAYERS, MomentReading
from mien_training.capture.learning.train_on_readings import Places, VertexStage
from mien_training.capture.refinement.mesh_samples import vertex_visibility
from mien_training.head import Template
from mien_training.rendering.differentiable_head import vertex_normals

__all__ = ["GridConfig", "GridStage"]

_OFF_M = 0.01
_LEAST_SURE = 0.02
_LEAST_M = 1e-4


@dataclass(frozen=True)
class GridConfig:
    """How volumes are laid around vertices."""

    resolution: int = 8
    """Voxels along each axis, even."""
    spacings_m: tuple[float, ...] = (0.0025, 0.001)
    """From one voxel to the next, metres, in each pass."""
    controls: int = 400
    """Vertices with a volume."""
    width: int = 16
    """Channels of the 3-D nets."""

    def __post_init__(self) -> None:
        fits = (
            self.resolution >= 2 and not self.resolution % 2 and min(self.spacings_m, default=0) > 0
        )
        if not fits or self.controls < 4 or self.width < 1:
            raise InputError(
                f"GridConfig: resolution {self.resolution}, spacings_m {self.spacings_m}, controls "
                f"{self.controls}, width {self.width}, expected an even number, at least one "
                "spacing above 0, 4 or more, 1 or more"
            )


class GridStage(VertexStage):
    """Control vertices of a first mesh, corrected in passes with shrinking reach."""

    triangles: Tensor
    canonical: Tensor
    upsampling: Tensor

    def __init__(self, template: Template, features: int, config: GridConfig) -> None:
        """features: of the correspondence net."""
        super().__init__()
        self.config = config
        chosen = control_vertices(template, config.controls)
        upsampling = biharmonic_upsampling(template.vertices, template.triangles, chosen)
        for name, value in {
            "chosen": chosen, "triangles": template.triangles.astype(np.int64),
            "canonical": template.vertices, "upsampling": upsampling.astype(np.float32),
        }.items():  # fmt: skip
            self.register_buffer(name, torch.from_numpy(value), persistent=False)
        self.passes = nn.ModuleList(
            _GridNet(features, config.width, config.resolution, spacing)
            for spacing in config.spacings_m
        )

    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        maps, cameras = reading.seen(views, self.canonical)
        mesh = torch.from_numpy(reading.start).to(self.canonical)
        found = []
        for net in self.passes:
            assert isinstance(net, _GridNet)
            with torch.no_grad():
                fused = self._fused(mesh, maps, cameras, reading.side, net.points)
            moved, spread = net(fused)
            found.append((mesh[self.chosen] + moved, spread))
            mesh = self.carried(mesh, moved.detach())
        return found

    def carried(self, mesh: Tensor, moved: Tensor) -> Tensor:
        """(V, 3) of a mesh (V, 3) whose control vertices have moved (K, 3)."""
        return mesh + self.upsampling @ moved

    def _fused(
        self, mesh: Tensor, maps: Tensor, cameras: CameraBatch, side: int, points: Tensor
    ) -> Tensor:
        """(K, F, D, D, D) of volumes about the vertices of a mesh (V, 3)."""
        at = mesh[self.chosen]
        count, size = len(at), self.config.resolution
        normals = F.normalize(vertex_normals(mesh[None], self.triangles)[0], dim=1)[self.chosen]
        visible = vertex_visibility(
            mesh, self.triangles, self.chosen, cameras, side, maps.shape[-1]
        )
        weight = surface_weights(visible[None], normals[None], at[None], cameras.centres[None])[0]
        grid = (at[:, None] + points).reshape(1, -1, 3)
        seen, inside = sample_views(maps[None], grid, cameras, (side, side))
        told = seen[0].reshape(*seen.shape[1:3], count, -1)
        sure = told[:, 8]
        off = ((told[:, :3] - self.canonical[self.chosen].T[None, :, :, None]) / _OFF_M).clamp(
            -3, 3
        )
        off = torch.where(sure[:, None] > _LEAST_SURE / 4, off, 0.0)
        told = torch.cat([off, told[:, 3:6], told[:, 6:7] / _OFF_M, told[:, 7:]], 1)
        share = weight[..., None] * inside[0].reshape(sure.shape) * (_LEAST_SURE + sure)
        mean, variance = fuse_views(told.flatten(2)[None], share.flatten(1)[None])
        total = (share.sum(0).reshape(1, 1, -1) + 1e-4).log()
        fused = torch.cat([mean, variance, total], 1)[0].reshape(-1, count, size, size, size)
        return fused.transpose(0, 1)


class _GridNet(nn.Module):
    """Volumes (K, F, D, D, D) -> moves (K, 3) and expected distances after them (K,), metres; no
    moves until it has learnt."""

    points: Tensor
    prior: Tensor

    def __init__(self, features: int, width: int, resolution: int, spacing_m: float) -> None:
        super().__init__()
        points = VolumeGrid(resolution, spacing_m, (0.0, 0.0, 0.0)).points()
        self.register_buffer("points", points, persistent=False)
        prior = log_prior(points, torch.zeros(1, 3), 0.25 * resolution * spacing_m)
        self.register_buffer("prior", prior, persistent=False)
        told = 2 * (features + sum(LAYERS.values())) + 1
        self.first = nn.Sequential(
            nn.Conv3d(told, width, 1), nn.SiLU(), nn.Conv3d(width, width, 3, padding=1), nn.SiLU()
        )
        self.inner = nn.Sequential(
            nn.Conv3d(width, 2 * width, 3, padding=1), nn.SiLU(),
            nn.Conv3d(2 * width, width, 3, padding=1), nn.SiLU(),
        )  # fmt: skip
        self.last = nn.Conv3d(2 * width, 1, 3, padding=1)
        nn.init.zeros_(self.last.weight)

    def forward(self, volumes: Tensor) -> tuple[Tensor, Tensor]:
        x = self.first(volumes)
        inner = F.interpolate(self.inner(F.avg_pool3d(x, 2)), scale_factor=2)
        scores = self.last(torch.cat([x, inner], 1))
        moved, spread = soft_argmax(scores, self.points, self.prior)
        # How undecided the scores are is not how wrong their mean is, but grows with it.
        return moved[:, 0], _LEAST_M + spread[:, 0]
