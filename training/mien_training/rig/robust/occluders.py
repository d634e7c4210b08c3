"""Pixels that show something else than the face: a hand, hair, a microphone.

What covers a face differs from it over an area, not here and there; noise and a texture that is
not sharp yet differ in single pixels. So a pixel counts by how far its neighbourhood is from what
the face would look like (a redescending estimator: Geman and McClure 1987, over means of windows).
A face that is unlike everywhere, as before its colours are known, is not covered everywhere: the
scale follows the frame's own median.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["COVERED_COLOUR", "COVERED_FRAME", "Occlusion", "find_occlusion"]

COVERED_COLOUR = 0.16
"""Colour difference, sRGB 0..1, over all channels, below which nothing counts as covered."""
COVERED_FRAME = 0.12
"""Share of covered pixels from which on a frame is not believed there."""
_BELIEVED_FRAME = 0.05
"""And below which it is believed whole: lids and lips that are not yet where they belong differ
too, and must be seen to come there."""
_WINDOW = 1 / 40
"""Side of the neighbourhood, in sides of the image."""
_TIMES_USUAL = 4.0
"""Differences below so many times the frame's median do not count as covered either."""
_COVERED_WEIGHT = 0.25
"""Weight below which a pixel is taken to show something else."""


@dataclass(frozen=True, eq=False)
class Occlusion:
    """Of B frames."""

    weight: Tensor
    """(B, H, W) in 0..1, how far pixels count; without meaning where nothing is compared."""
    share: Tensor
    """(B,) of the compared pixels that show something else than the face."""


def find_occlusion(difference: Tensor, where: Tensor) -> Occlusion:
    """From colour differences (B, H, W), norms over the channels, of pixels where (B, H, W) bool;
    without gradients."""
    counted = where.float()
    window = max(3, int(_WINDOW * difference.shape[-1]) | 1)
    both = torch.stack([difference.detach() * counted, counted], 1)
    total, count = F.avg_pool2d(both, window, 1, window // 2).unbind(1)
    near = total / count.clamp_min(1e-6)
    usual = torch.where(where, near, torch.nan).flatten(1).nanmedian(dim=1).values
    scale = (_TIMES_USUAL * usual.nan_to_num(0.0)).clamp_min(COVERED_COLOUR)[:, None, None]
    weight = 1 / (1 + (near / scale).square()).square()
    covered = (weight < _COVERED_WEIGHT) & where
    share = covered.sum((1, 2)) / where.sum((1, 2)).clamp_min(1)
    doubt = ((share - _BELIEVED_FRAME) / (COVERED_FRAME - _BELIEVED_FRAME)).clamp(0, 1)
    return Occlusion(1 - doubt[:, None, None] * (1 - weight), share)
