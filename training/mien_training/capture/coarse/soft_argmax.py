"""Places of points from volumes of scores."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.errors import InputError

__all__ = ["log_prior", "soft_argmax"]


def log_prior(grid: Tensor, places: Tensor, deviation_m: float) -> Tensor:
    """(K, P) logarithm, up to a constant, of a Gaussian about places (K, 3) at grid (P, 3).

    Added to scores, it starts a net at `places` instead of in the middle of the volume. Deviations
    below half the grid's spacing pull places to voxels. Raises InputError for one not above 0.
    """
    if not deviation_m > 0:
        raise InputError(f"log_prior: deviation_m {deviation_m}, expected above 0")
    return -0.5 * torch.cdist(places, grid).square() / deviation_m**2


def soft_argmax(scores: Tensor, grid: Tensor, prior: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean (B, K, 3) of grid places under softmax of scores, and its deviation (B, K).

    scores (B, K, D, D, D), or (B, K, P); grid (P, 3), or (B, P, 3), metres, as
    `VolumeGrid.points`; prior (K, P): `log_prior`. The deviation, metres, is the root of the
    summed variances along the axes: how undecided the scores are. Raises InputError for other
    shapes.
    """
    flat = scores.flatten(2)
    if scores.ndim < 3 or grid.shape[-2:] != (flat.shape[2], 3):
        raise InputError(
            f"soft_argmax: scores {tuple(scores.shape)}, grid {tuple(grid.shape)}, expected "
            "(B, K, D, D, D) and (D^3, 3)"
        )
    if prior is not None:
        if prior.shape != flat.shape[1:]:
            raise InputError(
                f"soft_argmax: prior {tuple(prior.shape)}, expected {tuple(flat.shape[1:])}"
            )
        flat = flat + prior
    share = flat.softmax(2)
    mean = share @ grid
    # About a place in the grid's middle: squares of small numbers keep their digits.
    middle = grid.mean(-2, keepdim=True)
    second = share @ (grid - middle).square().sum(-1, keepdim=True)
    variance = second[..., 0] - (mean - middle).square().sum(-1)
    return mean, variance.clamp_min(1e-12).sqrt()
