"""What people before one rig lack in common, and what how they are told says of it, beyond what a
linear step knows of strangers: a correction of the step itself, small enough for a few scans."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.refinement.linear_step import LinearStep

__all__ = ["StepTuning"]

_MM = 1e3
_SLOWER = 0.1
"""How much slower the part that depends on a moment learns: few moments are soon known by heart."""
_LEAST = 0.05
"""Spread below which numbers of a moment are taken to be noise."""


class StepTuning(nn.Module):
    """Of a linear step of C control vertices and rank R; does nothing until it has learnt."""

    upsampling: Tensor
    unit: Tensor
    """(R,) spread of what the linear step reads off the moments that are learnt from."""

    def __init__(self, linear: LinearStep, abouts: Tensor) -> None:
        """abouts (N, R): `LinearStep.about` of these moments. Raises InputError for other sizes."""
        super().__init__()
        count, rank = len(linear.out), linear.config.rank
        if abouts.ndim != 2 or abouts.shape[1] != rank or not len(abouts):
            raise InputError(f"StepTuning: abouts {tuple(abouts.shape)}, expected (N, {rank})")
        self.always = nn.Parameter(torch.zeros(count // 3, 3))
        """Millimetres at control vertices."""
        self.by = nn.Parameter(torch.zeros(count, rank))
        """Millimetres at control vertices by a moment's numbers, in `unit / _SLOWER`."""
        self.register_buffer("upsampling", linear.upsampling, persistent=False)
        spread = abouts.std(0, correction=0) + _LEAST
        self.register_buffer("unit", spread, persistent=False)

    def forward(self, about: Tensor) -> Tensor:
        """(K, 3) metres, head space, on top of the linear step, of a moment's numbers (R,)."""
        told = (_SLOWER * self.by @ (about / self.unit)).reshape(-1, 3)
        return self.upsampling @ (self.always + told) / _MM

    @torch.no_grad()
    def joined(self, linear: LinearStep) -> LinearStep:
        """A copy of the linear step that does both at once."""
        own = deepcopy(linear)
        own.left += self.upsampling @ self.always
        own.out += _SLOWER * self.by / self.unit
        return own
