"""What the maps of views are to become."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.capture.correspondence.correspondence_net import ViewMaps

__all__ = ["MapLabels", "correspondence_loss", "map_errors"]

_UNIT_M = 0.01
_SMOOTH_M = 1e-4
_DOUBT, _NORMALS, _SKIN = 0.1, 5.0, 5.0
"""Weights beside places off by a centimetre: gradients of all four are then about as large."""
_COVERED = 0.2
"""Weight of places under hair, beards, glasses and clothes, against 1 for those that are seen."""


@dataclass(frozen=True, eq=False)
class MapLabels:
    """True of B images, as `ViewMaps`."""

    skin: Tensor
    """(B, h, w) bool"""
    there: Tensor
    """(B, h, w) bool: the head's surface, bare or covered: where places and normals are known."""
    bare: Tensor
    """(B, h, w) bool: skin, eyes or mouth, hidden by nothing."""
    canonical: Tensor
    """(B, h, w, 3)"""
    normals: Tensor
    """(B, h, w, 3)"""


def correspondence_loss(found: ViewMaps, true: MapLabels) -> Tensor:
    """Scalar: distance of places, their likelihood by the expected distance (a Laplace distribution
    in three dimensions: log density -3 log b - |d| / b), cosine of normals, cross-entropy of skin.

    The likelihood tells the expected distance alone: through the places its gradient would be some
    thirty times that of normals and skin, which teach what the picture shows.
    """
    on = true.there.float() * torch.where(true.bare, 1.0, _COVERED)
    count = on.sum().clamp_min(1)
    off = ((found.canonical - true.canonical).square().sum(-1) + _SMOOTH_M**2).sqrt() / _UNIT_M
    # Expected distance is 3 b.
    b = found.deviation / (3 * _UNIT_M)
    plain = (off * on).sum() / count
    likelihood = ((off.detach() / b + 3 * b.log()) * on).sum() / count
    turned = ((1 - (found.normals * true.normals).sum(-1)) * on).sum() / count
    skin = F.binary_cross_entropy_with_logits(found.skin, true.skin.float())
    return plain + _DOUBT * likelihood + _NORMALS * turned + _SKIN * skin


@torch.no_grad()
def map_errors(found: ViewMaps, true: MapLabels) -> dict[str, float]:
    """Figures of places on skin, millimetres, of normals, degrees, and of the mask."""
    on = true.skin
    off = 1e3 * (found.canonical - true.canonical).norm(dim=-1)[on]
    cosine = (found.normals * true.normals).sum(-1)[on].clamp(-1, 1)
    guess = found.skin > 0
    both, either = (guess & on).sum(), (guess | on).sum().clamp_min(1)
    return {
        "median_mm": float(off.median()), "mean_mm": float(off.mean()),
        "p95_mm": float(off.quantile(0.95)) if len(off) < 1 << 24 else float(off.mean()),
        "doubt_mm": float(1e3 * found.deviation[on].mean()),
        "normal_deg": float(torch.rad2deg(cosine.arccos()).mean()),
        "iou": float(both / either),
    }  # fmt: skip
