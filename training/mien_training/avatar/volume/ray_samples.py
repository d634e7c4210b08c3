"""Where along its rays a volume is asked: evenly at first, then where the first answers weigh."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["even_samples", "weighted_samples"]


def even_samples(near: Tensor, far: Tensor, place: Tensor) -> Tensor:
    """(R, N) one in each of N equal parts of near..far (R,), growing.

    place (R, N): 0..1 where in its part each lies; 0.5 is the middle.
    """
    count = place.shape[1]
    step = torch.arange(count, device=near.device, dtype=near.dtype)
    return near[:, None] + (far - near)[:, None] * (step + place) / count


def weighted_samples(
    near: Tensor, lengths: Tensor, weights: Tensor, place: Tensor, floor: float = 0.01
) -> Tensor:
    """(R, M) drawn from cells in proportion to their weights (NeRF, section 5.2), growing.

    The R rays' N cells begin at near (R,) and are of lengths (R, N). place (R, M): 0..1 where in
    its M-th part of the whole weight each lies. floor: weight of every cell's share of the length,
    beside `weights` (R, N), so that what seems empty is looked at again.
    """
    span = lengths.sum(1, keepdim=True)
    weights = weights.detach() + floor * lengths / span.clamp_min(1e-12) + 1e-9
    mass = (weights / weights.sum(1, keepdim=True)).cumsum(1)
    count = place.shape[1]
    step = torch.arange(count, device=near.device, dtype=near.dtype)
    wanted = (step + place) / count
    cell = torch.searchsorted(mass, wanted.contiguous()).clamp_max(mass.shape[1] - 1)
    upper = mass.gather(1, cell)
    own = (weights / weights.sum(1, keepdim=True)).gather(1, cell)
    share = ((wanted - upper + own) / own).clamp(0, 1)
    begin = near[:, None] + lengths.cumsum(1) - lengths
    return begin.gather(1, cell) + share * lengths.gather(1, cell)
