"""What a ray gathers on its way through a volume (NeRF, Mildenhall et al. 2020, equation 3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Gathered", "cell_lengths", "gather"]


@dataclass(frozen=True, eq=False)
class Gathered:
    """What R rays saw."""

    colour: Tensor
    """(R, 3) premultiplied: nothing is behind."""
    alpha: Tensor
    """(R,) 0..1 of the light that does not pass."""
    weights: Tensor
    """(R, N) share of each cell; sums to alpha."""

    def over(self, backdrop: Tensor) -> Tensor:
        """(R, 3) before a backdrop (R, 3) or (3,)."""
        return self.colour + (1 - self.alpha[:, None]) * backdrop


def gather(density: Tensor, colour: Tensor, lengths: Tensor) -> Gathered:
    """Of N cells of constant density (R, N), per metre, and colour (R, N, 3), the nearest first.

    lengths (R, N): of the ray within each cell, metres. For such cells the sum is the integral
    itself, however coarse they are.
    """
    depth = density * lengths
    before = depth.cumsum(-1) - depth
    weights = torch.exp(-before) * -torch.expm1(-depth)
    return Gathered((weights[..., None] * colour).sum(-2), -torch.expm1(-depth.sum(-1)), weights)


def cell_lengths(t: Tensor, near: Tensor, far: Tensor) -> Tensor:
    """(R, N) of the parts of near..far (R,) that lie nearest to each of the samples t (R, N).

    t: metres along the ray, growing. The parts fill near..far: nothing is counted twice.
    """
    between = 0.5 * (t[:, 1:] + t[:, :-1])
    return torch.cat([near[:, None], between, far[:, None]], 1).diff(dim=1)
