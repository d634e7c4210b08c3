"""What the coarse stage's control vertices are to be."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["coarse_loss"]

_MM = 1e3
_DOUBT = 0.1


def coarse_loss(found: Tensor, true: Tensor, spread: Tensor) -> Tensor:
    """Scalar, millimetres, of places (K, 3), true places (K, 3) and expected distances (K,):
    distances, and a little of their likelihood (Laplace)."""
    far = _MM * ((found - true).square().sum(-1) + 1e-10).sqrt()
    b = _MM * spread / 3
    loss: Tensor = far.mean() + _DOUBT * (far / b + 3 * torch.log(b)).mean()
    return loss
