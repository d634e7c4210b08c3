"""Positions as waves, so that a small network can say sharp things (NeRF, section 5.1)."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["band_windows", "encode", "encoded_size"]


def encode(x: Tensor, longest: float, bands: int, windows: Tensor | None = None) -> Tensor:
    """(..., C + 2 C bands) of x (..., C): itself over half the longest wave, then sines and
    cosines of waves of `longest`, longest / 2, longest / 4 and so on, in the unit of x.

    windows (bands,): 0..1 how far each band counts; all, if left out.
    """
    if not bands:
        return x * (2.0 / longest)
    scale = 2.0 ** torch.arange(bands, device=x.device, dtype=x.dtype)
    phase = (2.0 * torch.pi / longest) * x[..., None, :] * scale[:, None]
    waves = torch.stack([phase.sin(), phase.cos()], -2)  # (..., bands, 2, C)
    if windows is not None:
        waves = waves * windows.to(x)[:, None, None]
    return torch.cat([x * (2.0 / longest), waves.flatten(-3)], -1)


def encoded_size(channels: int, bands: int) -> int:
    """Of the last axis of `encode`."""
    return channels * (1 + 2 * bands)


def band_windows(opened: float, bands: int) -> Tensor:
    """(bands,) for `encode`: the first `opened` bands count, the next in part, the rest not
    (Nerfies, Park et al. 2021, equation 8)."""
    part = (opened - torch.arange(bands, dtype=torch.float32)).clamp(0, 1)
    return 0.5 * (1 - torch.cos(torch.pi * part))
