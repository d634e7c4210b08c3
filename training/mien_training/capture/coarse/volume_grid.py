"""The cube of voxels around a head."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.capture.localisation.head_crops import HEAD_CENTRE

__all__ = ["VolumeGrid", "moved"]


@dataclass(frozen=True)
class VolumeGrid:
    """Places of voxels, in head coordinates (rig space of the mean head, metres)."""

    resolution: int = 16
    """Voxels along each axis."""
    spacing_m: float = 0.02
    """From one voxel's centre to the next, metres."""
    centre: tuple[float, float, float] = HEAD_CENTRE
    """Middle of the cube, metres."""

    def __post_init__(self) -> None:
        if not 2 <= self.resolution <= 128 or not 0 < self.spacing_m < 1:
            raise InputError(
                f"VolumeGrid: resolution {self.resolution}, spacing_m {self.spacing_m}, expected "
                "2 to 128 and 0..1"
            )

    def points(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(D^3, 3) voxel centres, metres; index (x D + y) D + z, as (D, D, D) volumes have it."""
        steps = torch.arange(self.resolution, dtype=torch.float64) - 0.5 * (self.resolution - 1)
        x, y, z = (self.spacing_m * steps + c for c in self.centre)
        grid = torch.stack(torch.meshgrid(x, y, z, indexing="ij"), -1)
        return grid.reshape(-1, 3).to(dtype)


def moved(points: Tensor, target_from_source: Tensor) -> Tensor:
    """(B, P, 3) points (P, 3) or (B, P, 3), moved by (B, 4, 4), which may scale."""
    turn, shift = target_from_source[:, :3, :3], target_from_source[:, None, :3, 3]
    return points @ turn.transpose(1, 2) + shift
