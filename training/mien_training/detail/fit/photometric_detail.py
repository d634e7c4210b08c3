"""Skin detail of one person from frames of a known, posed head: shading is linear in the relief.

To first order log luminance is that of the smooth head plus what the light makes of the height's
slopes, plus the skin's own colour, which no expression changes. HiFace trains a network through a
renderer for this; with the rig known, the problem is linear. What it leaves out, the sky that a
furrow loses and that not all depths are equally likely, `encoder` has learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.detail.fit.linear_fit import DetailModel, Solved, most_probable
from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight
from mien_training.rendering.relief.relief_normals import height_slopes

__all__ = [
    "FittedDetail",
    "PhotometricNoise",
    "ShadingEvidence",
    "fit_detail",
    "shading_evidence",
    "skin_image",
]

Float32Array = NDArray[np.float32]
_DIM = 6.0
"""Response at which a texel tells half: where light fades, its logarithm is noisy and bent."""
_STEEPEST = 60.0
_FAR = 2.0
"""Standard deviations from which on an observation counts less."""


@dataclass(frozen=True)
class PhotometricNoise:
    """How far luminance may be from what the model says, as standard deviations of its log."""

    shading: float = 0.2
    """Of one texel in one frame: sensor, highlights, the rig's small errors."""
    albedo: float = 0.3
    """Of a texel's own colour against its surroundings; the same in all frames."""
    rounds: int = 1
    """Solutions, each with less weight for what the one before left unexplained."""
    spots_px: float = 6.0
    """Colour coarser than this, in texels, is not looked at: light and albedo explain it."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or not min(self.shading, self.spots_px) > 0 or not self.albedo >= 0:
            raise InputError(
                f"noise: shading {self.shading}, albedo {self.albedo}, rounds {self.rounds}, "
                f"spots_px {self.spots_px}, expected above 0, 0 or more, 1 or more, above 0"
            )


@dataclass(frozen=True, eq=False)
class FittedDetail:
    """One person's detail, as found."""

    heights: Tensor
    """(3, S, S) metres: static, compressed, stretched."""
    unexplained: Tensor
    """(E, S, S) log luminance that neither light, relief nor colour explains."""
    solved: Solved


@dataclass(frozen=True, eq=False)
class ShadingEvidence:
    """What E frames tell about relief, on the basis's square of texels."""

    observed: Tensor
    """(E, S, S) log luminance against the smooth head's and its surroundings'."""
    known: Tensor
    """(E, S, S) 0..1 how much it tells."""
    response: Tensor
    """(E, 2, S, S) change of log luminance per slope of the height along u and v."""

    def shaded(self, heights: Tensor, press: Tensor, pull: Tensor) -> Tensor:
        """(E, S, S) change of log luminance by heights (3, S, S) at gates (E, S, S)."""
        frames = heights[0] + press * heights[1] + pull * heights[2]
        return (self.response * height_slopes(frames)).sum(1)


def shading_evidence(
    skin: ObservedSkin, light: SkinLight, side: int, spots_px: float
) -> ShadingEvidence:
    """On a square of `side` texels; what is coarser than `spots_px` of them is taken out."""
    observed, known = _fine(skin, light, side, spots_px)
    response = light.response(skin).clamp(-_STEEPEST, _STEEPEST)
    image = skin_image(response, torch.from_numpy(skin.texels.texel), side)
    known = known / (1 + (image.norm(dim=1) / _DIM).square())
    return ShadingEvidence(observed, known, image)


def fit_detail(
    seen: ShadingEvidence, press: Tensor, pull: Tensor, model: DetailModel,
    noise: PhotometricNoise | None = None, iterations: int = 60,
) -> FittedDetail:  # fmt: skip
    """press, pull (E, S, S): how far the skin is compressed and stretched in each frame, 0..1."""
    noise = noise or PhotometricNoise()
    side = model.basis.size
    observed, known = seen.observed, seen.known
    free = model.size

    def observe(unknowns: Tensor) -> Tensor:
        own = noise.albedo * unknowns[free:].reshape(side, side)
        return weight * (seen.shaded(model.change(unknowns[:free]), press, pull) + own)

    weight = known.sqrt() / noise.shading
    mean = seen.shaded(model.mean, press, pull)
    unknowns = torch.zeros(free + side * side)
    for _ in range(noise.rounds):
        target = weight * (observed - mean)
        solved = most_probable(observe, target, len(unknowns), iterations)
        unknowns = solved.unknowns
        heights = model.mean + model.change(unknowns[:free])
        albedo = noise.albedo * unknowns[free:].reshape(side, side)
        left = observed - seen.shaded(heights, press, pull) - albedo
        # Cauchy's weights: highlights, shadows' edges and the nose's outline are not relief.
        weight = (known / (1 + (left / (_FAR * noise.shading)).square())).sqrt() / noise.shading
    return FittedDetail(heights, left * (known > 0), solved)


def skin_image(values: Tensor, texel: Tensor, side: int) -> Tensor:
    """(..., N) -> (..., side, side), 0 elsewhere."""
    flat = values.new_zeros(*values.shape[:-1], side * side)
    return flat.index_copy(-1, texel, values).reshape(*values.shape[:-1], side, side)


def _fine(
    skin: ObservedSkin, light: SkinLight, side: int, spots_px: float
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(E, S, S) log luminance against the smooth head's and its surroundings', and its weight."""
    texel = torch.from_numpy(skin.texels.texel)
    smooth = light.irradiance(skin.normal).log() + light.log_gain[:, None]
    rest = skin_image(skin.luminance.clamp_min(1e-4).log() - smooth, texel, side)
    weight = skin_image(skin.weight, texel, side)
    around = _blurred(weight * rest, spots_px) / _blurred(weight, spots_px).clamp_min(1e-3)
    return (rest - around) * (weight > 0), weight


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """(E, S, S), Gaussian."""
    reach = int(3 * sigma)
    at = torch.arange(-reach, reach + 1, dtype=image.dtype)
    line = torch.exp(-0.5 * (at / sigma).square())
    line = line / line.sum()
    rows = F.conv2d(image[:, None], line[None, None, None], padding=(0, reach))
    return F.conv2d(rows, line[None, None, :, None], padding=(reach, 0))[:, 0]
