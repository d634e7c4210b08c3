"""The coarse stage: places of control vertices from a volume of what all views show.

Bolkart, Li and Black 2023, "Instant Multi-View Head Capture through Learnable Registration",
section 3.1: features of all views, fused by mean and variance in a grid around the head, a 3-D
U-Net, and for each vertex the mean place under its scores. On a CPU: 16^3 voxels and some hundred
control vertices, through which the others are drawn (`biharmonic_upsampling`); and a prior about
the mean head, without which training starts in the middle of the volume.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.coarse.soft_argmax import log_prior, soft_argmax
from mien_training.capture.coarse.view_fusion import fuse_views
from mien_training.capture.coarse.view_samples import sample_views
from mien_training.capture.coarse.volume_grid import VolumeGrid
from mien_training.capture.learning.moment_reading import LAYERS, MomentReading
from mien_training.capture.learning.train_on_readings import Places, VertexStage
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.head import Template

__all__ = ["CoarseConfig", "CoarseStage", "FusedVolume", "PooledStage"]

_OFF_M = 0.02
_LEAST_SURE = 0.02
_LEAST_M = 1e-4
_SPREAD_M = 0.005


@dataclass(frozen=True)
class CoarseConfig:
    """How the coarse stage looks."""

    grid: VolumeGrid = field(default_factory=VolumeGrid)
    """Voxels around the head."""
    controls: int = 400
    """Control vertices."""
    widths: tuple[int, ...] = (32, 64, 96)
    """Channels of the 3-D U-Net's levels, the finest first; multiples of 8."""
    prior_m: float = 0.02
    """Standard deviation of the prior about the mean head, metres."""
    spread: bool = True
    """Fuse the views' variance too, not their mean alone."""

    def __post_init__(self) -> None:
        if self.controls < 4 or not self.widths or any(w < 8 or w % 8 for w in self.widths):
            raise InputError(
                f"CoarseConfig: controls {self.controls}, widths {self.widths}, expected 4 or "
                "more, multiples of 8"
            )
        if self.grid.resolution % 2 ** (len(self.widths) - 1):
            raise InputError(
                f"CoarseConfig: {self.grid.resolution} voxels a side, expected a multiple of "
                f"{2 ** (len(self.widths) - 1)}"
            )


class CoarseStage(VertexStage):
    """Control vertices."""

    points: Tensor
    prior: Tensor

    def __init__(self, template: Template, features: int, config: CoarseConfig) -> None:
        """features: of the correspondence net."""
        super().__init__()
        self.config = config
        chosen = control_vertices(template, config.controls)
        points = config.grid.points()
        places = torch.from_numpy(template.vertices[chosen])
        self.register_buffer("chosen", torch.from_numpy(chosen), persistent=False)
        self.register_buffer("points", points, persistent=False)
        prior = log_prior(points, places, config.prior_m)
        self.register_buffer("prior", prior, persistent=False)
        self.volume = FusedVolume(features, config)
        self.last = nn.Conv3d(config.widths[0], config.controls, 1)
        nn.init.zeros_(self.last.weight)

    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        scores = self.last(self.volume(reading, views, self.points))
        places, spread = soft_argmax(scores, self.points, self.prior)
        # How undecided the scores are is not how wrong their mean is, but grows with it.
        return [(places[0], _LEAST_M + spread[0])]


class PooledStage(VertexStage):
    """A baseline: coefficients of a linear model from the pooled volume."""

    points: Tensor
    mean: Tensor
    basis: Tensor

    def __init__(
        self, template: Template, features: int, config: CoarseConfig, heads: LinearHeads
    ) -> None:
        """features: of the correspondence net."""
        super().__init__()
        chosen = control_vertices(template, config.controls)
        self.register_buffer("chosen", torch.from_numpy(chosen), persistent=False)
        self.register_buffer("points", config.grid.points(), persistent=False)
        self.register_buffer("mean", torch.from_numpy(heads.mean[chosen]), persistent=False)
        scaled = heads.basis[:, chosen] * np.sqrt(heads.variances)[:, None, None]
        basis = torch.from_numpy(scaled.astype(np.float32))
        self.register_buffer("basis", basis, persistent=False)
        self.volume = FusedVolume(features, config)
        pooled = 2 * config.widths[0]
        told = nn.Linear(256, len(basis) + 6 + 1)
        nn.init.zeros_(told.weight)
        nn.init.zeros_(told.bias)
        self.last = nn.Sequential(nn.Linear(pooled, 256), nn.SiLU(), told)

    def coefficients(
        self, reading: MomentReading, views: NDArray[np.integer] | None = None
    ) -> Tensor:
        """(K + 7,) in standard deviations, then turn and shift of the pose, then doubt."""
        volume = self.volume(reading, views, self.points)[0].flatten(1)
        found: Tensor = self.last(torch.cat([volume.mean(1), volume.amax(1)]))
        return found

    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        told = self.coefficients(reading, views)
        heads = self.mean + torch.tensordot(told[:-7], self.basis, 1)
        turn, shift = 0.1 * told[-7:-4], 0.01 * told[-4:-1]
        placed = heads + torch.linalg.cross(turn.expand_as(heads), heads) + shift
        return [(placed, (_LEAST_M + _SPREAD_M * F.softplus(told[-1])).expand(len(placed)))]


class FusedVolume(nn.Module):
    """What all views show at each voxel, seen by a 3-D U-Net: (1, widths[0], D, D, D)."""

    def __init__(self, features: int, config: CoarseConfig) -> None:
        super().__init__()
        self.grid, self.spread = config.grid, config.spread
        told = features + sum(LAYERS.values())
        widths = config.widths
        self.first = nn.Conv3d((2 if config.spread else 1) * told + 1, widths[0], 3, padding=1)
        before = (widths[0], *widths[:-1])
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(before, widths, strict=True))
        self.up = nn.ModuleList(
            _block(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )

    def forward(
        self, reading: MomentReading, views: NDArray[np.integer] | None, points: Tensor
    ) -> Tensor:
        with torch.no_grad():
            fused = self._fused(reading, views, points)
        x: Tensor = self.first(fused)
        levels = []
        for depth, block in enumerate(self.down):
            x = block(F.avg_pool3d(x, 2) if depth else x)
            levels.append(x)
        for block, skip in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2), skip], 1))
        return x

    def _fused(
        self, reading: MomentReading, views: NDArray[np.integer] | None, points: Tensor
    ) -> Tensor:
        """(1, F, D, D, D)"""
        maps, cameras = reading.seen(views, points)
        side = (reading.side, reading.side)
        seen, inside = sample_views(maps[None], points[None], cameras, side)
        sure = seen[:, :, 8]
        off = ((seen[:, :, :3] - points.T) / _OFF_M).clamp(-3, 3)
        off = torch.where(sure[:, :, None] > _LEAST_SURE / 4, off, 0.0)
        told = torch.cat([off, seen[:, :, 3:6], seen[:, :, 6:7] / _OFF_M, seen[:, :, 7:]], 2)
        weight = inside * (_LEAST_SURE + sure)
        mean, variance = fuse_views(told, weight)
        total = (weight.sum(1, keepdim=True) + 1e-3).log()
        fused = torch.cat([mean, variance, total] if self.spread else [mean, total], 1)
        return fused.reshape(1, -1, *(self.grid.resolution,) * 3)


def _block(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, padding=1), nn.GroupNorm(8, after), nn.SiLU(),
        nn.Conv3d(after, after, 3, padding=1), nn.GroupNorm(8, after), nn.SiLU(),
    )  # fmt: skip
