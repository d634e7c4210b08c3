"""What tracking got wrong in each frame of the film, as a small motion of the space around a head.

MonoAvatar (Bai et al. 2023, section 3.4 and supplement): a network of place and of a code of the
frame gives a rigid motion for every point, as Nerfies (Park et al. 2021) has it. Only training
knows it: at run time the mesh is where it is.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.avatar.volume.encoding import band_windows, encode, encoded_size

__all__ = ["ErrorWarp"]

BANDS = 6
_CODES = 8
_LONGEST_M = 0.4
"""Longest wave of its encoding: about a head."""
_TURN, _PIVOT_M, _MOVE_M = 0.01, 0.1, 0.001
"""What an output of 1 means."""
_ROBUST = 0.03
"""Stretching beyond which more counts little (Nerfies, section 3.3)."""


class ErrorWarp(nn.Module):
    """q' = R (q + c) - c + t, with R (log quaternion), c and t of W(q, e_i)."""

    def __init__(self, frames: int, layers: int, width: int) -> None:
        """frames: T, of which each has a code."""
        super().__init__()
        self.codes = nn.Parameter(0.1 * torch.randn(frames, _CODES))
        sizes = [encoded_size(3, BANDS) + _CODES] + [width] * layers
        self.trunk = nn.Sequential(
            *(part for a, b in pairwise(sizes)
              for part in (nn.Linear(a, b), nn.ReLU()))
        )  # fmt: skip
        self.turn, self.pivot, self.move = (_head(width) for _ in range(3))

    def forward(self, points: Tensor, frame: int | None, opened: float) -> Tensor:
        """(P, 3) where the head's own points are that a frame shows at points (P, 3), metres.

        opened: 0..BANDS of the encoding; frame None: the mean of all codes.
        """
        code = self.codes.mean(0) if frame is None else self.codes[frame]
        waves = encode(points, _LONGEST_M, BANDS, band_windows(opened, BANDS))
        x = self.trunk(torch.cat([waves, code.expand(len(points), -1)], 1))
        turn, pivot, move = _TURN * self.turn(x), _PIVOT_M * self.pivot(x), _MOVE_M * self.move(x)
        moved: Tensor = _turned(points + pivot, turn) - pivot + move
        return moved

    def elastic(self, points: Tensor, frame: int, opened: float) -> Tensor:
        """Mean robust square of the logarithms of what points' surroundings are stretched by:
        singular values of the warp's derivative (Nerfies, equations 5 to 7)."""
        at = points.detach().requires_grad_(True)
        moved = self(at, frame, opened)
        rows = [torch.autograd.grad(moved[:, i].sum(), at, create_graph=True)[0] for i in range(3)]
        stretched = torch.linalg.svdvals(torch.stack(rows, 1)).clamp_min(1e-6).log()
        part = stretched.square().sum(1) / _ROBUST**2
        penalty: Tensor = (2 * part / (part + 4)).mean()
        return penalty


def _head(width: int) -> nn.Sequential:
    last = nn.Linear(width, 3)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), last)


def _turned(points: Tensor, half: Tensor) -> Tensor:
    """(P, 3) by exp of the quaternion (0, half) (P, 3): an angle of twice its length."""
    angle = (half.square().sum(1, keepdim=True) + 1e-16).sqrt()
    quaternion = F.normalize(torch.cat([half * torch.sin(angle) / angle, angle.cos()], 1), dim=1)
    axis, w = quaternion[:, :3], quaternion[:, 3:]
    t = 2 * torch.linalg.cross(axis, points)
    turned: Tensor = points + w * t + torch.linalg.cross(axis, t)
    return turned
