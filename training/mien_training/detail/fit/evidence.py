"""What footage tells of each wrinkle region, and what stands in where it tells nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.photometric_detail import FittedDetail, skin_image
from mien_training.detail.wrinkle_regions import REGION_NAMES, region_masks

__all__ = ["RegionEvidence", "region_evidence", "with_fallback"]

_ENOUGH = 1.0
"""Frames' worth of a region below which its detail is not believed."""
_MOVED = 0.5
"""Compression or stretch that a region must have shown for its dynamic detail to be its own."""
_COVERED = 0.45
"""Unexplained log luminance from which on something else than skin is taken to be there."""
_FALLBACK = 0.5
"""Intensity of the mean person's detail where it stands in."""


@dataclass(frozen=True)
class RegionEvidence:
    """One region of one fit."""

    region: str
    frames: float
    """Frames' worth of seeing it squarely and well lit."""
    compressed: float
    """Most compression, 0 to 1, that was seen."""
    stretched: float
    """Most stretch."""
    unexplained: float
    """Root mean square of log luminance that neither light, relief nor colour explains."""

    @property
    def verdict(self) -> str:
        """measured; static only (no movement seen); covered (hair, glasses); not seen."""
        if self.frames < _ENOUGH:
            return "not seen"
        if self.unexplained > _COVERED:
            return "covered"
        moved = max(self.compressed, self.stretched) >= _MOVED
        return "measured" if moved else "static only"


def region_evidence(
    skin: ObservedSkin, fitted: FittedDetail, weights: Tensor, unexplained: Tensor
) -> tuple[RegionEvidence, ...]:
    """weights (E, R): of the regions in each frame; unexplained (E, S, S): log luminance."""
    side = fitted.heights.shape[-1]
    masks = torch.from_numpy(region_masks(side).copy())
    texel = torch.from_numpy(skin.texels.texel)
    seen = skin_image(skin.weight, texel, side)
    size = masks.flatten(1).sum(1)
    frames = torch.einsum("eyx,ryx->er", seen, masks) / size
    wrong = torch.einsum("eyx,ryx->r", seen * unexplained.square(), masks)
    spread = (wrong / (frames.sum(0) * size).clamp_min(1e-6)).sqrt()
    shown = frames > 0.3
    press = torch.where(shown, (-weights).clamp_min(0), 0).amax(0)
    pull = torch.where(shown, weights.clamp_min(0), 0).amax(0)
    return tuple(
        RegionEvidence(
            name, float(frames[:, r].sum()), float(press[r]), float(pull[r]), float(spread[r])
        )
        for r, name in enumerate(REGION_NAMES)
    )


def with_fallback(heights: Tensor, mean: Tensor, evidence: tuple[RegionEvidence, ...]) -> Tensor:
    """(3, S, S): the fit where a region was seen, elsewhere the mean person's at half intensity."""
    side = heights.shape[-1]
    masks = torch.from_numpy(region_masks(side).copy())
    believed = torch.tensor([e.verdict not in ("covered", "not seen") for e in evidence])
    total = masks.sum(0).clamp_min(1e-6)
    share = (believed.float()[:, None, None] * masks).sum(0) / total
    return share * heights + (1 - share) * _FALLBACK * mean
