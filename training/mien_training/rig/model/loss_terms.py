"""How far an image of a rig is from what was seen, and numbers from what is plausible."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["landmark_loss", "photometric_loss", "prior_loss", "range_loss", "silhouette_loss"]


def photometric_loss(rendered: Tensor, seen: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference of (..., H, W, 3) images over where (..., H, W) is not 0.

    The root is softened at 1/255, where sensors only report noise.
    """
    difference = ((rendered - seen).square().sum(-1) + (1 / 255) ** 2).sqrt()
    return (difference * where).sum() / where.sum().clamp_min(1.0)


def silhouette_loss(coverage: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference of (..., H, W) coverages in 0..1."""
    return (coverage - mask).square().mean()


def landmark_loss(
    projected: Tensor, seen: Tensor, confidence: Tensor, scale_px: Tensor | float
) -> Tensor:
    """Robust distance of (..., L, 2) pixels in units of `scale_px` (between the eyes, say).

    confidence (..., L) is 0 for points that are not there; their positions may be NaN. Charbonnier
    at a hundredth of the scale, so that a point the tracker guessed wrong does not pull for ever.
    """
    there = confidence > 0
    gap = torch.where(there[..., None], (projected - seen) / scale_px, 0.0)
    soft = 0.01
    distance = (gap.square().sum(-1) + soft**2).sqrt() - soft
    return (distance * confidence).sum() / confidence.sum().clamp_min(1e-6)


def prior_loss(change: Tensor) -> Tensor:
    """Mean squared size, mm^2, of what (K, N, 3) differential coordinates, metres, add."""
    return (change * _MM).square().sum(-1).mean()


def range_loss(weights: Tensor) -> Tensor:
    """Mean squared excess of (T, K) weights below 0 and above 1."""
    return ((-weights).clamp_min(0) + (weights - 1).clamp_min(0)).square().mean()


_MM = 1000.0
