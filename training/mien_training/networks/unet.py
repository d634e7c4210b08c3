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
        pyramid: bool = False,
    ) -> None:
        """`widths`: channels of each level, the finest first, multiples of `groups`; `deeper`:
        further residual blocks at the coarsest level, where all of the image is seen at once;
        `pyramid`: every level adds to the output, enlarged, as in a Laplacian pyramid: what is
        smooth over the image need not come through the finest one's normalisation."""
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
        self.last = _nothing_yet(widths[0], channels_out)
        self.coarser = nn.ModuleList(
            _nothing_yet(width, channels_out) for width in (widths[:0:-1] if pyramid else ())
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.of_features(self.features(image))

    def of_features(self, features: list[Tensor]) -> Tensor:
        """The output, of what `features` gives."""
        out: Tensor = self.last(features[-1])
        if len(self.coarser):
            smooth: Tensor = self.coarser[0](features[0])
            for level, convolution in zip(features[1:-1], self.coarser[1:], strict=True):
                smooth = _doubled(smooth) + convolution(level)
            out = out + _doubled(smooth)
        return out

    def features(self, image: Tensor) -> list[Tensor]:
        """On the way up, the coarsest first: (B, widths[n], H / 2^n, W / 2^n)."""
        levels = []
        x: Tensor = self.first(image)
        for depth, block in enumerate(self.down):
            x = block(x if depth == 0 else F.avg_pool2d(x, 2))
            levels.append(x)
        for block in self.deeper:
            x = x + block(x)
        found = [x]
        for block, skip in zip(self.up, levels[-2::-1], strict=True):
            found.append(block(torch.cat([_doubled(found[-1]), skip], 1)))
        return found


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def _nothing_yet(before: int, after: int) -> nn.Conv2d:
    made = nn.Conv2d(before, after, 3, padding=1)
    nn.init.zeros_(made.weight)
    assert made.bias is not None
    nn.init.zeros_(made.bias)
    return made


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
