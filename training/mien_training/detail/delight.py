"""The skin's own colour: what wrinkles make of the light is taken out of the rig's texture.

A rig's texture is the mean over its footage of colour without the light on the smooth head, so the
light on the relief is still in it. Drawn with the relief, every wrinkle would be there twice.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from mien_training.detail.fit.photometric_detail import ShadingEvidence
from mien_training.head import Template
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.shading import linear_from_srgb

__all__ = ["delit_skin", "relief_shading"]

_MOST_CHANGED = 1.6
"""Factor by which a texel's light may change at most."""


def relief_shading(seen: ShadingEvidence, heights: Tensor, press: Tensor, pull: Tensor) -> Tensor:
    """(S, S) log of what the light on relief (3, S, S) makes of luminance, mean over the frames."""
    shade = seen.shaded(heights, press, pull)
    return (seen.known * shade).sum(0) / (seen.known.sum(0) + 1.0)


def delit_skin(
    texture: NDArray[np.uint8], person: Template, atlas: FaceAtlas, shading: Tensor
) -> NDArray[np.uint8]:
    """(H, H, 3) sRGB `texture` divided by exp(`shading`), (S, S) on the atlas, as far as the
    texture's own texels resolve it; the same where the atlas has nothing."""
    bake = bake_texels(person, 0, texture.shape[0])
    places = bake.interpolate(atlas.places)
    on = ((places > 0.01) & (places < 0.99)).all(1)
    side = shading.shape[-1]
    blur = _texel_of(places, bake.texel, texture.shape[0]) * side
    smooth = ndimage.gaussian_filter(shading.numpy(), 0.5 * max(blur, 0.5))
    at = [places[:, 1] * side - 0.5, places[:, 0] * side - 0.5]
    there = ndimage.map_coordinates(smooth, at, order=1, mode="nearest") * on
    factor = np.exp(-there).clip(1 / _MOST_CHANGED, _MOST_CHANGED)
    flat = texture.reshape(-1, 3).copy()
    linear = linear_from_srgb(flat[bake.texel]) * factor[:, None]
    codes = srgb_from_linear(torch.from_numpy(linear.clip(0, 1))).numpy()
    changed = np.abs(there) > 1e-4
    flat[bake.texel[changed]] = np.rint(255 * codes[changed]).astype(np.uint8)
    return flat.reshape(texture.shape)


def _texel_of(places: NDArray[np.float32], texel: NDArray[np.int64], side: int) -> float:
    """Median distance on the atlas of two neighbouring texels of the texture."""
    image = np.full((side * side, 2), np.nan)
    image[texel] = places
    steps = np.linalg.norm(np.diff(image.reshape(side, side, 2), axis=1), axis=2)
    inside = steps[(steps > 0) & (steps < 0.05)]
    return float(np.median(inside)) if inside.size else 0.0
