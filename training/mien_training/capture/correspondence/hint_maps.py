"""Meshes that are known roughly, as the correspondence net is shown them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.correspondence_net import HINTS
from mien_training.rendering.visibility import interpolate, rasterize

__all__ = ["carried_on", "hint_maps", "no_hints"]

_BEYOND = 4
"""Pixels of the maps."""


def hint_maps(
    vertices: Tensor, triangles: Tensor, canonical: Tensor, cameras: CameraBatch, side: int
) -> Tensor:
    """(B, HINTS, side, side) of meshes (B, V, 3), world, metres, each before its own camera.

    triangles (F, 3); canonical (V, 3): the vertices' places on the mean head. Zeros where the mesh
    is not seen.
    """
    index = torch.arange(len(vertices), device=vertices.device)
    out = rasterize(cameras.clip(index, vertices), triangles, (side, side))
    known = torch.cat([canonical, torch.ones_like(canonical[:, :1])], 1)
    return carried_on(interpolate(known, triangles, out).permute(0, 3, 1, 2))


def carried_on(hints: Tensor) -> Tensor:
    """Hints (B, HINTS, h, w), carried on a few pixels beyond the mesh's outline: the head may reach
    farther than the mesh."""
    there = hints[:, 3:]
    near, places = there, hints[:, :3] * there
    for _ in range(_BEYOND):
        total = F.avg_pool2d(near, 3, 1, 1)
        spread = F.avg_pool2d(places, 3, 1, 1) / total.clamp_min(1e-6)
        known = near > 0
        places = torch.where(known, places, spread)
        near = torch.where(known, near, (total > 0).to(near))
        places = places * near
    return torch.cat([places, 0.5 * (near + there)], 1)


def no_hints(batch: int, height: int, width: int) -> Tensor:
    """(B, HINTS, height, width) where nothing is known."""
    return torch.zeros(batch, HINTS, height, width)
