"""What an expression changes, texel by texel of the anchor atlas: five networks of one signature.

MonoAvatar (Bai et al. 2023, section 3.2) has two: D reads the displacements that the expression
gives the mesh, C decodes the expression's codes; both by convolutions, so that what a region does
is learnt there and serves elsewhere. The other three are what they are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.errors import InputError

__all__ = ["ExpressionKind", "expression_network"]

ExpressionKind = Literal["displacements", "codes", "appended", "global", "static"]
"""displacements: a U-Net on the displacement map (the paper's D). codes: a convolutional decoder of
channels and pose (C). appended: channels and pose beside static features, no convolution (3DMM
codes). global: one MLP for the whole map. static: nothing changes."""

DISPLACEMENT_UNIT_M = 0.01
"""Displacements are given in centimetres: about 1 at a wide open jaw."""
_LEAK = 0.2
_BASES = 24
_STATIC = 16


def expression_network(
    kind: ExpressionKind, size: int, codes: int, features: int,
    widths: Sequence[int] = (16, 32, 64, 64),
) -> nn.Module:  # fmt: skip
    """A module: displacements (B, 3, S, S) in metres, codes (B, C) -> changes (B, F, S, S).

    size: S, a multiple of 2^(len(widths) - 1); codes: channels, head pose and appearance, C;
    features: F; widths: channels of the levels, the finest first. Untrained it changes nothing.
    Raises InputError for an unknown kind or a size that does not halve so often.
    """
    if kind not in get_args(ExpressionKind):
        raise InputError(f"expression network {kind!r}, expected {get_args(ExpressionKind)}")
    if size % 2 ** (len(widths) - 1):
        raise InputError(
            f"expression network of size {size}, expected a multiple of {2 ** (len(widths) - 1)}"
        )
    if kind == "displacements":
        return _Displacements(codes, features, widths)
    if kind == "codes":
        return _Codes(size, codes, features, widths)
    if kind == "appended":
        return _Appended(size, codes, features, widths[-1])
    if kind == "global":
        return _Global(size, codes, features, widths[-1])
    return _Static(features)


class _Displacements(nn.Module):
    """Residual U-Net; pose and appearance enter where it is coarsest."""

    def __init__(self, codes: int, features: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList(
            _Residual(a, b) for a, b in zip((widths[0], *widths[:-1]), widths, strict=True)
        )
        self.codes = nn.Linear(codes, widths[-1])
        self.up = nn.ModuleList(
            _Residual(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.last = _silent(nn.Conv2d(widths[0], features, 1))

    def forward(self, displacements: Tensor, codes: Tensor) -> Tensor:
        x = self.first(displacements / DISPLACEMENT_UNIT_M)
        levels = []
        for depth, block in enumerate(self.down):
            x = block(x if depth == 0 else F.avg_pool2d(x, 2))
            levels.append(x)
        x = x + self.codes(codes)[:, :, None, None]
        for block, skip in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([_doubled(x), skip], 1))
        found: Tensor = self.last(x)
        return found


class _Codes(nn.Module):
    """Codes -> a coarse map -> finer and finer ones."""

    def __init__(self, size: int, codes: int, features: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.coarse = size // 2 ** (len(widths) - 1)
        while self.coarse > 8 and self.coarse % 2 == 0:
            self.coarse //= 2
            widths = (*widths, widths[-1])
        self.wide = widths[-1]
        self.first = nn.Sequential(
            nn.Linear(codes, 128), nn.LeakyReLU(_LEAK), nn.Linear(128, self.wide * self.coarse**2)
        )
        self.up = nn.ModuleList(
            _Residual(b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.last = _silent(nn.Conv2d(widths[0], features, 1))

    def forward(self, displacements: Tensor, codes: Tensor) -> Tensor:
        x = self.first(codes).reshape(-1, self.wide, self.coarse, self.coarse)
        for block in self.up:
            x = block(_doubled(x))
        found: Tensor = self.last(x)
        return found


class _Appended(nn.Module):
    """Texel by texel: own features and everybody's codes."""

    def __init__(self, size: int, codes: int, features: int, hidden: int) -> None:
        super().__init__()
        self.own = nn.Parameter(0.1 * torch.randn(1, _STATIC, size, size))
        self.of_own = nn.Conv2d(_STATIC, hidden, 1)
        self.of_codes = nn.Linear(codes, hidden)
        self.rest = nn.Sequential(
            nn.LeakyReLU(_LEAK), nn.Conv2d(hidden, hidden, 1), nn.LeakyReLU(_LEAK),
            _silent(nn.Conv2d(hidden, features, 1)),
        )  # fmt: skip

    def forward(self, displacements: Tensor, codes: Tensor) -> Tensor:
        found: Tensor = self.rest(self.of_own(self.own) + self.of_codes(codes)[:, :, None, None])
        return found


class _Global(nn.Module):
    """Codes -> amounts of learnt maps."""

    def __init__(self, size: int, codes: int, features: int, hidden: int) -> None:
        super().__init__()
        self.amounts = nn.Sequential(
            nn.Linear(codes, hidden), nn.LeakyReLU(_LEAK), nn.Linear(hidden, hidden),
            nn.LeakyReLU(_LEAK), _silent(nn.Linear(hidden, _BASES)),
        )  # fmt: skip
        self.maps = nn.Parameter(0.1 * torch.randn(_BASES, features, size, size))

    def forward(self, displacements: Tensor, codes: Tensor) -> Tensor:
        amounts: Tensor = self.amounts(codes)
        found: Tensor = torch.einsum("bk,kfyx->bfyx", amounts, self.maps)
        return found


class _Static(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features

    def forward(self, displacements: Tensor, codes: Tensor) -> Tensor:
        return displacements.new_zeros(
            len(codes), self.features, displacements.shape[-2], displacements.shape[-1]
        )


class _Residual(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(before, after, 3, padding=1)
        self.far = nn.Conv2d(after, after, 3, padding=1)
        self.beside = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = F.leaky_relu(self.far(F.leaky_relu(self.near(x), _LEAK)), _LEAK)
        found: Tensor = inner + self.beside(x)
        return found


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _silent(layer: nn.Conv2d | nn.Linear) -> nn.Conv2d | nn.Linear:
    """Says 0 until it has learnt."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
