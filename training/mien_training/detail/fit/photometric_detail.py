"""Skin detail of one person from frames of a known, posed head: shading is linear in the relief.

To first order log luminance is that of the smooth head plus what the light makes of the height's
slopes and of the sky that a furrow loses, plus the skin's own colour, which no expression changes
(HiFace trains a network through a renderer for this; with the rig known, the problem is linear).
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
from mien_training.detail.fit.skin_light import SkinLight, estimate_light
from mien_training.rendering.relief.relief_normals import height_slopes

__all__ = ["FittedDetail", "PhotometricNoise", "fit_detail"]

Float32Array = NDArray[np.float32]
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
    albedo: Tensor
    """(N,) log of the skin's colour against its surroundings, without what relief explains."""
    light: SkinLight
    unexplained: Tensor
    """(E, S, S) log luminance that neither light, relief nor colour explains."""
    solved: Solved


def fit_detail(
    skin: ObservedSkin, press: Tensor, pull: Tensor, model: DetailModel,
    noise: PhotometricNoise | None = None, iterations: int = 60,
) -> FittedDetail:  # fmt: skip
    """press, pull (E, S, S): how far the skin is compressed and stretched in each frame, 0..1."""
    noise = noise or PhotometricNoise()
    side = model.basis.size
    light = estimate_light(skin)
    texel = torch.from_numpy(skin.texels.texel)
    observed, known = _fine(skin, light, side, noise.spots_px)
    response = skin_image(light.response(skin), texel, side)  # (E, 2, S, S)

    def shaded(heights: Tensor) -> Tensor:
        """(E, S, S) change of log luminance by heights (3, S, S)."""
        frames = heights[0] + press * heights[1] + pull * heights[2]
        return (response * height_slopes(frames)).sum(1)

    free = model.size

    def observe(unknowns: Tensor) -> Tensor:
        own = noise.albedo * unknowns[free:].reshape(side, side)
        return weight * (shaded(model.change(unknowns[:free])) + own)

    weight = known.sqrt() / noise.shading
    unknowns = torch.zeros(free + side * side)
    for _ in range(noise.rounds):
        target = weight * (observed - shaded(model.mean))
        solved = most_probable(observe, target, len(unknowns), iterations)
        unknowns = solved.unknowns
        left = observed - shaded(model.mean + model.change(unknowns[:free]))
        left = left - noise.albedo * unknowns[free:].reshape(side, side)
        # Cauchy's weights: highlights, shadows' edges and the nose's outline are not relief.
        weight = (known / (1 + (left / (_FAR * noise.shading)).square())).sqrt() / noise.shading
    heights = model.mean + model.change(unknowns[:free])
    albedo = noise.albedo * unknowns[free:][texel]
    return FittedDetail(heights, albedo, light, left * (known > 0), solved)


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
