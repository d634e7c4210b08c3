"""Images of one moment and the cameras that took them."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch

__all__ = ["DARK", "Pictures", "logarithms"]

DARK = 0.02
"""Added to colours before their logarithm: sensors only report noise there."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """N images of one size."""

    views: CameraBatch
    """C cameras."""
    camera: Tensor
    """(N,) int64 which camera took each."""
    size: tuple[int, int]
    """Rows and columns."""
    masks: Tensor | None = None
    """(N, H, W) bool pixels that show the surface; None: nobody knows."""


def logarithms(images: Tensor, shrink: int) -> Tensor:
    """(N, X, h, w) logarithms of (N, H, W, X) sRGB bytes, averaged over shrink x shrink pixels.

    In these, other light or exposure is a sum.
    """
    colours = images.permute(0, 3, 1, 2).float() / 255
    if shrink > 1:
        colours = F.avg_pool2d(colours, shrink)
    return (colours + DARK).log()
