"""Pixels that show something else than the face: a hand, hair, a microphone.

What covers a face differs from it over an area, not here and there; noise and a texture that is
not sharp yet differ in single pixels. So a pixel counts by how far its neighbourhood is from what
the face would look like (a redescending estimator: Geman and McClure 1987, over means of windows).
A face that is unlike everywhere, as before its colours are known, is not covered everywhere: the
scale follows the frame's own median.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["covered_share", "uncovered"]

_WINDOW = 1 / 40
"""Side of the neighbourhood, in sides of the image."""
_LEAST = 0.16
"""Colour difference, sRGB 0..1, over all channels, below which nothing counts as covered."""
_TIMES = 4.0
"""And this many times the frame's median."""
_FEW, _MANY = 0.05, 0.12
"""Share of such pixels below which a frame is believed whole, and from which on it is not: lids and
lips that are not yet where they belong differ too, and must be seen to come there."""
_COVERED = 0.25
"""Weight below which a pixel is taken to show something else."""


def uncovered(difference: Tensor, where: Tensor) -> Tensor:
    """(B, H, W) weights 0..1 of pixels, from colour differences (B, H, W) of those compared.

    where (B, H, W) bool; weights elsewhere mean nothing.
    """
    counted = where.float()
    window = max(3, int(_WINDOW * difference.shape[-1]) | 1)
    both = torch.stack([difference.detach() * counted, counted], 1)
    total, count = F.avg_pool2d(both, window, 1, window // 2).unbind(1)
    near = total / count.clamp_min(1e-6)
    usual = torch.where(where, near, torch.nan).flatten(1).nanmedian(dim=1).values
    scale = (_TIMES * usual.nan_to_num(0.0)).clamp_min(_LEAST)[:, None, None]
    weight = 1 / (1 + (near / scale).square()).square()
    share = covered_share(weight, where)
    given = ((share - _FEW) / (_MANY - _FEW)).clamp(0, 1)[:, None, None]
    found: Tensor = 1 - given * (1 - weight)
    return found


def covered_share(weight: Tensor, where: Tensor) -> Tensor:
    """(B,) share of the compared pixels (B, H, W) that show something else than the face."""
    covered = (weight < _COVERED) & where
    return covered.sum((1, 2)) / where.sum((1, 2)).clamp_min(1)
