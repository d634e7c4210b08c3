"""A correction of the linear step for people who were scanned: what all of them lack, and how that
depends on what the step reads off a moment. Small enough for some tens of scans."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.refinement.linear_step import LinearStep

__all__ = ["StepTuning"]

_MM = 1e3
_SLOWER = 0.1
"""How much slower each part learns that depends on a moment: few are soon known by heart."""
_LEAST = 1.0
"""Of strangers these numbers spread by some 6: a spread far below that is chance."""


class StepTuning(nn.Module):
    """Of a linear step of C control vertices and rank R; does nothing until it has learnt."""

    upsampling: Tensor
    usual: Tensor
    """(R,) mean of what the linear step reads off the moments that are learnt from."""
    unit: Tensor
    """(R,) its spread."""

    def __init__(self, linear: LinearStep, abouts: Tensor) -> None:
        """abouts (N, R): `LinearStep.about` of these moments. Raises InputError for other sizes."""
        super().__init__()
        count, rank = len(linear.out), linear.config.rank
        if abouts.ndim != 2 or abouts.shape[1] != rank or not len(abouts):
            raise InputError(f"StepTuning: abouts {tuple(abouts.shape)}, expected (N, {rank})")
        self.always = nn.Parameter(torch.zeros(count // 3, 3))
        """Millimetres at control vertices."""
        self.by = nn.Parameter(torch.zeros(count, rank))
        """Millimetres at control vertices where a number is `unit / _SLOWER` above the usual."""
        self.register_buffer("upsampling", linear.upsampling, persistent=False)
        spread = abouts.std(0, correction=0).clamp_min(_LEAST)
        self.register_buffer("usual", abouts.mean(0), persistent=False)
        self.register_buffer("unit", spread, persistent=False)

    def forward(self, about: Tensor) -> Tensor:
        """(K, 3) metres, head space, on top of the linear step, of a moment's numbers (R,)."""
        told = (_SLOWER * self.by @ ((about - self.usual) / self.unit)).reshape(-1, 3)
        return self.upsampling @ (self.always + told) / _MM

    @torch.no_grad()
    def joined(self, linear: LinearStep) -> LinearStep:
        """A copy of the linear step that does both at once; what it expects to be off stays that of
        strangers."""
        own = deepcopy(linear)
        by = _SLOWER * self.by / self.unit
        own.left += self.upsampling @ (self.always - (by @ self.usual).reshape(-1, 3))
        own.out += by
        return own
