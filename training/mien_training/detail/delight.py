"""The skin's own colour, without the light of the frames and without what wrinkles make of it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.photometric_detail import FittedDetail, skin_image
from mien_training.head import Template
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.relief_normals import height_slopes
from mien_training.rendering.shading import linear_from_srgb

__all__ = ["delit_skin"]

_ENOUGH = 2.0
"""Frames' worth of evidence at which a texel's colour is wholly the footage's."""
_COARSE = 0.03
"""Colour coarser than this, as a share of the atlas's side, stays the rig's: it knows the light."""
_MOST_CHANGED = 1.7
"""Factor by which a texel's light may change at most."""


def delit_skin(
    texture: NDArray[np.uint8], person: Template, atlas: FaceAtlas, skin: ObservedSkin,
    fitted: FittedDetail, press: Tensor, pull: Tensor,
) -> NDArray[np.uint8]:  # fmt: skip
    """(S, S, 3) sRGB: `texture` with the fine colour that the frames show once the light on the
    smooth head and on its relief is divided out."""
    side = fitted.heights.shape[-1]
    texel = torch.from_numpy(skin.texels.texel)
    frames = fitted.heights[0] + press * fitted.heights[1] + pull * fitted.heights[2]
    response = skin_image(fitted.light.response(skin), texel, side)
    shade = (response * height_slopes(frames)).sum(1).flatten(1)[:, texel]
    light = fitted.light.irradiance(skin.normal) * (fitted.light.log_gain[:, None] + shade).exp()
    total = skin.weight.sum(0).clamp_min(1e-6)
    colour = (skin.weight[..., None] * skin.colour / light[..., None]).sum(0) / total[:, None]
    image = skin_image(colour.T.contiguous(), texel, side).numpy()
    known = skin_image(total, texel, side).numpy()
    share = (known / _ENOUGH).clip(0, 1)
    width = _COARSE * side
    around = ndimage.gaussian_filter(share * image, (0, width, width))
    around /= np.maximum(ndimage.gaussian_filter(share, width), 1e-4)
    fine = np.where(share > 0, image / np.maximum(around, 1e-4), 1.0)

    bake = bake_texels(person, 0, texture.shape[0])
    places = bake.interpolate(atlas.places)
    rows, columns = places[:, 1] * side - 0.5, places[:, 0] * side - 0.5
    on = ((places > 0.01) & (places < 0.99)).all(1)
    own = linear_from_srgb(texture).reshape(-1, 3)[bake.texel].astype(np.float64)
    old = np.zeros((3, side * side))
    reverse = atlas.texels(side)
    at = _on_texture(person, reverse.corners, reverse.bary, texture)
    old[:, reverse.texel] = at.T
    skin_now = old.reshape(3, side, side)
    coarse = ndimage.gaussian_filter(skin_now, (0, width, width)) / np.maximum(
        ndimage.gaussian_filter((skin_now > 0).astype(float), (0, width, width)), 1e-4
    )
    wanted = np.stack([_read(coarse[c] * fine[c], rows, columns) for c in range(3)], 1)
    mixed = _read(share, rows, columns) * on
    factor = (wanted / np.maximum(own, 1e-4)).clip(1 / _MOST_CHANGED, _MOST_CHANGED)
    new = own * (1 + mixed[:, None] * (factor - 1))
    flat = texture.reshape(-1, 3).copy()
    codes = srgb_from_linear(torch.from_numpy(new.clip(0, 1))).numpy()
    flat[bake.texel] = np.rint(255 * codes).astype(np.uint8)
    return flat.reshape(texture.shape)


def _read(
    image: NDArray[np.floating], rows: NDArray[np.floating], columns: NDArray[np.floating]
) -> NDArray[np.float64]:
    """(N,) bilinear."""
    return np.asarray(ndimage.map_coordinates(image, [rows, columns], order=1, mode="nearest"))


def _on_texture(
    person: Template, corners: NDArray[np.int32], bary: NDArray[np.float32],
    texture: NDArray[np.uint8],
) -> NDArray[np.float64]:  # fmt: skip
    """(N, 3) linear colours of the texture at places of the mesh; any corner's first UV counts."""
    first = np.zeros(len(person.vertices), np.int64)
    first[person.triangles.ravel()[::-1]] = person.uv_triangles.ravel()[::-1]
    uv = (person.uvs[first[corners]] * bary[..., None]).sum(1)
    linear = linear_from_srgb(texture)
    side = texture.shape[0]
    return np.stack(
        [_read(linear[..., c], uv[:, 1] * side - 0.5, uv[:, 0] * side - 0.5) for c in range(3)], 1
    )
