"""A U-Net that tells how far each pixel is head or hair, and how unsure it is.

Matting with a rough mask in place of a trimap, as background matting with a rough segmentation
(Sengupta et al. 2020) without the background: the fitted mesh says where the head is, the image
how far hair goes. Doubt is the expected error of its own answer (Kendall and Gal 2017, section 2.2,
with the answer's gradient kept apart, so that doubt never excuses an error).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.avatar.mattes.mesh_hints import HINTS
from mien_training.networks.unet import UNet

__all__ = ["LEAST_DOUBT", "MattingNet", "matting_loss"]

LEAST_DOUBT = 0.01
_LEVELS = 4
"""Of the pyramid in which alpha is compared."""
_BAND = 4.0
"""How much more a pixel in the open band counts than one far from any outline."""
_DOUBT = 0.1


class MattingNet(UNet):
    """Hints (B, HINTS, H, W) -> alpha and doubt (B, 2, H, W), each 0..1."""

    def __init__(self, widths: tuple[int, ...] = (16, 24, 40, 64, 96)) -> None:
        """`widths`: channels of each level, the finest first, multiples of 8."""
        super().__init__(HINTS, 2, widths)

    def forward(self, told: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(told))


def matting_loss(found: Tensor, alpha: Tensor, band: Tensor) -> Tensor:
    """Of found (B, 2, H, W) against alpha (B, H, W); band (B, H, W): where it is open.

    Difference, difference of all frequencies (the Laplacian pyramid of Hou and Liu 2019), and how
    far doubt is from the error that is made.
    """
    answer, doubt = found[:, 0], found[:, 1].clamp_min(LEAST_DOUBT)
    error = (answer - alpha).abs()
    weight = 1 + (_BAND - 1) * band
    pyramid = torch.zeros((), device=found.device)
    coarse = (answer - alpha)[:, None]
    for level in range(_LEVELS - 1):
        below = F.avg_pool2d(coarse, 2)
        fine = coarse - F.interpolate(below, scale_factor=2, mode="bilinear")
        pyramid = pyramid + 2**level * fine.abs().mean()
        coarse = below
    pyramid = pyramid + 2 ** (_LEVELS - 1) * coarse.abs().mean()
    likelihood = error.detach() / doubt + doubt.log()
    loss: Tensor = (weight * error).mean() + pyramid + _DOUBT * (weight * likelihood).mean()
    return loss
