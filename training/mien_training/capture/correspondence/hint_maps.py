"""Meshes that are known roughly, as the correspondence net is shown them."""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.correspondence_net import HINTS
from mien_training.rendering.visibility import interpolate, rasterize

__all__ = ["hint_maps", "no_hints"]


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
    return interpolate(known, triangles, out).permute(0, 3, 1, 2)


def no_hints(batch: int, height: int, width: int) -> Tensor:
    """(B, HINTS, height, width) where nothing is known."""
    return torch.zeros(batch, HINTS, height, width)
