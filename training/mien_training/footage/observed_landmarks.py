"""The tracker's landmarks in a set of images, with how far each is to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import InputError

__all__ = ["FEWEST_LANDMARKS", "ObservedLandmarks"]

FEWEST_LANDMARKS = 50
"""An image with fewer visible landmarks says nothing about a face."""


@dataclass(frozen=True, eq=False)
class ObservedLandmarks:
    """The tracker's points in N images."""

    camera: Tensor
    """(N,) int: which camera took it."""
    moment: Tensor
    """(N,) int: which moment it shows; images of one moment share face and pose."""
    pixels: Tensor
    """(N, 478, 2); NaN where not seen."""
    confidence: Tensor
    """(N, 478) 0..1; 0 where not seen."""

    def __post_init__(self) -> None:
        n = len(self.camera)
        if self.pixels.shape != (n, 478, 2) or self.confidence.shape != (n, 478):
            raise InputError(
                f"ObservedLandmarks: pixels {tuple(self.pixels.shape)} and confidence "
                f"{tuple(self.confidence.shape)}, expected ({n}, 478, 2) and ({n}, 478)"
            )
        there = self.confidence > 0
        if not torch.isfinite(self.pixels[there]).all():
            raise InputError("ObservedLandmarks: points with confidence have no finite pixels")
        if (there.sum(1) < FEWEST_LANDMARKS).any():
            raise InputError(
                f"ObservedLandmarks: an image with fewer than {FEWEST_LANDMARKS} points"
            )
