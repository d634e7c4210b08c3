"""One feature from those of many views, whatever their number and order."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import InputError

__all__ = ["fuse_views", "surface_weights"]

_SHARPNESS = 50.0
_LEAST = 1e-6


def fuse_views(features: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance (B, C, P) over views of features (B, V, C, P) by weights (B, V, P) >= 0.

    Weights need not add up to 1; bool masks will do. 0 where no view has any weight. A single
    view has variance 0. Raises InputError for other shapes.
    """
    if features.ndim != 4 or weights.shape != (*features.shape[:2], features.shape[3]):
        raise InputError(
            f"fuse_views: features {tuple(features.shape)}, weights {tuple(weights.shape)}, "
            "expected (B, V, C, P) and (B, V, P)"
        )
    share = weights.to(features.dtype)
    share = (share / share.sum(1, keepdim=True).clamp_min(_LEAST))[:, :, None]
    mean = (share * features).sum(1)
    variance = (share * (features - mean[:, None]).square()).sum(1)
    return mean, variance


def surface_weights(visible: Tensor, normals: Tensor, points: Tensor, centres: Tensor) -> Tensor:
    """(B, V, P) how much each view tells of each point of a surface.

    softplus_50 of visibility times the cosine at which a view meets the surface (Bolkart, Li and
    Black 2023, "Instant Multi-View Head Capture through Learnable Registration"):
    views that do not see it keep a little, so that points which none sees have features too.
    visible (B, V, P) in 0..1; normals (B, P, 3) unit; points (B, P, 3) and camera centres
    (B, V, 3), world, metres.
    """
    towards = functional.normalize(centres[:, :, None] - points[:, None], dim=-1)
    cosine = (towards * normals[:, None]).sum(-1).clamp_min(0.0)
    return functional.softplus(torch.as_tensor(visible, dtype=points.dtype) * cosine, _SHARPNESS)
