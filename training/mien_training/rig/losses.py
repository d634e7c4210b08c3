"""What a person's rig is fitted to, and what keeps its shapes what their names say.

Without the semantic terms (locality, symmetry, identity prior, sparsity) a joint fit of shapes B
and weights w is free up to B Q, Q^-1 w: the pictures fit as well, and jawOpen is no jaw (Ming et
al. 2024, semantic regularisation).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = [
    "Prior", "landmark_loss", "locality_loss", "photometric_loss", "prior_loss",
    "range_loss", "silhouette_loss", "symmetry_loss",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Prior:
    """What the template knows of its shapes."""

    support: Tensor
    """(K, V) 1 where a shape may move the face, falling to 0 outside."""
    mirror_vertex: Tensor
    """(V,) vertex on the other side."""
    mirror_shape: Tensor
    """(K,) shape on the other side; mid-line shapes are their own."""


def photometric_loss(picture: Tensor, seen: Tensor, where: Tensor) -> Tensor:
    """Mean absolute difference of (..., H, W, 3) pictures over where (..., H, W) is not 0.

    The root is softened at 1/255, where sensors only report noise.
    """
    difference = ((picture - seen).square().sum(-1) + (1 / 255) ** 2).sqrt()
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


def locality_loss(shapes: Tensor, prior: Prior) -> Tensor:
    """Mean squared motion, mm^2, of shapes (K, V, 3), metres, outside their support."""
    outside = (1 - prior.support)[..., None] * shapes * _MM
    return outside.square().sum(-1).mean()


def symmetry_loss(shapes: Tensor, prior: Prior) -> Tensor:
    """Mean squared difference, mm^2, of each shape (K, V, 3) and its mirrored other side."""
    flip = torch.tensor([-1.0, 1.0, 1.0], dtype=shapes.dtype, device=shapes.device)
    mirrored = shapes[prior.mirror_shape][:, prior.mirror_vertex] * flip
    return ((shapes - mirrored) * _MM).square().sum(-1).mean()


def prior_loss(change: Tensor) -> Tensor:
    """Mean squared size, mm^2, of what (K, N, 3) differential coordinates, metres, add."""
    return (change * _MM).square().sum(-1).mean()


def range_loss(weights: Tensor) -> Tensor:
    """Mean squared excess of (T, K) weights below 0 and above 1."""
    return ((-weights).clamp_min(0) + (weights - 1).clamp_min(0)).square().mean()


_MM = 1000.0
