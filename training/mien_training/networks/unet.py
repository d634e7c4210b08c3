"""A small U-Net on images of any size (Ronneberger et al. 2015), normalised by groups."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["UNet"]


class UNet(nn.Module):
    """Images (B, channels_in, H, W) -> (B, channels_out, H, W), zeros until it has learnt.

    H and W are multiples of 2^(levels - 1).
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        widths: tuple[int, ...],
        groups: int = 8,
        deeper: int = 0,
    ) -> None:
        """`widths`: channels of each level, the finest first, multiples of `groups`; `deeper`:
        further residual blocks at the coarsest level, where all of the image is seen at once."""
        super().__init__()
        self.widths, self.groups = widths, groups
        self.first = nn.Conv2d(channels_in, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            _Block(a, b, groups) for a, b in zip((widths[0], *widths[:-1]), widths, strict=True)
        )
        self.up = nn.ModuleList(
            _Block(a + b, a, groups) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.deeper = nn.ModuleList(_Block(widths[-1], widths[-1], groups) for _ in range(deeper))
        self.last = nn.Conv2d(widths[0], channels_out, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, image: Tensor) -> Tensor:
        out: Tensor = self.last(self.features(image))
        return out

    def features(self, image: Tensor) -> Tensor:
        """(B, widths[0], H, W) before the last convolution."""
        levels = []
        x: Tensor = self.first(image)
        for depth, block in enumerate(self.down):
            x = block(x if depth == 0 else F.avg_pool2d(x, 2))
            levels.append(x)
        for block in self.deeper:
            x = x + block(x)
        for block, skip in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2, mode="bilinear"), skip], 1))
        return x


class _Block(nn.Module):
    def __init__(self, before: int, after: int, groups: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(groups, after), nn.SiLU(),
            nn.Conv2d(after, after, 3, padding=1), nn.GroupNorm(groups, after), nn.SiLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return out
