"""One performance in continuous time, seen by cameras whose clocks disagree.

Frames of unsynchronised cameras show no common moments; a motion that is a function of time can be
asked at any. So the clocks' offsets are learnt by gradient like everything else (Ming et al. 2024,
"High-Quality Mesh Blendshape Generation from Face Videos", motion regressor).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2, pi

import torch
from torch import Tensor, nn

from mien.errors import InputError

__all__ = ["Clocks", "Motion", "MotionConfig", "MotionNetwork", "rotation_from_vector"]


@dataclass(frozen=True)
class MotionConfig:
    """Size of the motion network, and how fast a face may move."""

    width: int = 192
    """Units of each hidden layer."""
    layers: int = 3
    """Hidden layers."""
    fastest_hz: float = 6.0
    """Highest frequency of the time encoding; a blink takes a sixth of a second."""


@dataclass(frozen=True, eq=False)
class Motion:
    """The performance at some moments."""

    weights: Tensor
    """(T, K) blendshape weights in 0..1."""
    rotation: Tensor
    """(T, 3) rotation vector of world_from_rig, radians."""
    translation: Tensor
    """(T, 3) metres."""


class MotionNetwork(nn.Module):
    """Time -> blendshape weights and rigid pose, by sines of doubling frequency and an MLP."""

    frequencies: Tensor

    def __init__(
        self, start_s: float, end_s: float, shapes: int, config: MotionConfig | None = None
    ) -> None:
        """A still, neutral face from `start_s` to `end_s`. Raises InputError for no duration."""
        super().__init__()
        config = config or MotionConfig()
        if not end_s > start_s:
            raise InputError(f"MotionNetwork: from {start_s} s to {end_s} s, expected a duration")
        self.shapes = shapes
        self.middle_s, self.half_s = (start_s + end_s) / 2, (end_s - start_s) / 2
        slowest_hz = 0.25 / self.half_s
        octaves = max(ceil(log2(config.fastest_hz / slowest_hz)), 0) + 1
        self.register_buffer("frequencies", slowest_hz * 2.0 ** torch.arange(octaves))
        sizes = [1 + 2 * octaves, *[config.width] * config.layers]
        self.body = nn.Sequential(
            *(layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.SiLU()))
        )
        self.head = nn.Linear(config.width, shapes + 6)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.bias[:shapes] = _NEARLY_ZERO

    def forward(self, times_s: Tensor) -> Motion:
        """The performance at (T,) seconds; differentiable in them."""
        t = times_s - self.middle_s
        phase = 2 * pi * t[:, None] * self.frequencies
        encoded = torch.cat([t[:, None] / self.half_s, phase.sin(), phase.cos()], dim=1)
        out = self.head(self.body(encoded))
        return Motion(
            out[:, : self.shapes].sigmoid(),
            out[:, self.shapes : self.shapes + 3],
            out[:, self.shapes + 3 :],
        )

    def follow(
        self, times_s: Tensor, target: Motion, steps: int = 1000, rate: float = 1e-2
    ) -> float:
        """Fit to known moments before joint optimisation; returns the last mean squared error.

        Errors of pose are counted in tenths: 0.1 rad or 0.1 m weigh as much as a whole shape.
        """
        optimiser = torch.optim.Adam(self.parameters(), rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        error = torch.zeros(())
        for _ in range(steps):
            guess = self(times_s)
            error = (guess.weights - target.weights).square().mean()
            error = error + 100 * (guess.rotation - target.rotation).square().mean()
            error = error + 100 * (guess.translation - target.translation).square().mean()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            schedule.step()
        return float(error.detach())


class Clocks(nn.Module):
    """How far each camera's clock is from the first camera's; the first one is right."""

    def __init__(self, cameras: int, learn: bool = True) -> None:
        """All at 0. `learn=False` freezes them, for comparison."""
        super().__init__()
        if cameras < 1:
            raise InputError(f"Clocks: {cameras} cameras, expected 1 or more")
        self.others = nn.Parameter(torch.zeros(cameras - 1), requires_grad=learn)

    @property
    def offsets_s(self) -> Tensor:
        """(C,) seconds to add to a camera's times; 0 for the first."""
        return torch.cat([self.others.new_zeros(1), self.others])

    def forward(self, camera: Tensor, times_s: Tensor) -> Tensor:
        """(T,) common time of (T,) times on the clocks of (T,) cameras."""
        return times_s + self.offsets_s[camera]


def rotation_from_vector(vector: Tensor) -> Tensor:
    """(..., 3) rotation vectors, radians -> (..., 3, 3) matrices; smooth at 0 (Rodrigues)."""
    zero = torch.zeros_like(vector[..., 0])
    x, y, z = vector.unbind(-1)
    rows = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    turn: Tensor = torch.linalg.matrix_exp(rows.reshape(*vector.shape, 3))
    return turn


_NEARLY_ZERO = -4.0
"""Logit of a weight that is not seen to move."""
