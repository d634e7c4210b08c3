"""Frames laid upon each other on the face atlas, to the texel.

The tracker's points place a head to a millimetre or two, and folds are no wider. The skin's own
pattern is finer: every frame is shifted over the atlas, smoothly, until it lies on the rig's
texture (Lucas and Kanade 1981, with a window of several millimetres).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight

__all__ = ["align_frames"]

Float64Array = NDArray[np.float64]
_ROUNDS = 8
_WINDOW = 0.08
"""Standard deviation of the window, of the atlas's side: 14 mm."""
_FINE, _COARSE = 0.006, 0.06
"""Of the pattern that is compared, likewise."""
_MOST = 0.035
"""Largest shift, likewise."""
_STEADY = 2e-4
"""Squared contrast, per texel, below which a shift is not looked for."""


def align_frames(
    skin: ObservedSkin, light: SkinLight, reference: NDArray[np.floating]
) -> tuple[ObservedSkin, Float64Array]:
    """The frames shifted onto `reference`, the (N,) log luminance of the skin's own colour, and
    (E,) the median shift of each, texels."""
    side, texel = skin.texels.size, skin.texels.texel
    smooth = light.irradiance(skin.normal).log() + light.log_gain[:, None]
    seen = (skin.luminance.clamp_min(1e-4).log() - smooth).numpy()
    weight = skin.weight.numpy()
    known = np.zeros(side * side)
    known[texel] = 1
    fixed = _band(_image(reference, texel, side), known.reshape(side, side))
    rows, columns = np.mgrid[:side, :side].astype(np.float64)
    colours, weights, shifts = [], [], []
    for e in range(len(seen)):
        moving, mask = _image(seen[e], texel, side), _image(weight[e], texel, side)
        pattern = _band(moving, mask)
        shift = np.zeros((2, side, side))
        for _ in range(_ROUNDS):
            at = [rows + shift[1], columns + shift[0]]
            now = ndimage.map_coordinates(pattern, at, order=1, mode="nearest")
            sure = ndimage.map_coordinates(mask, at, order=1, mode="nearest")
            down, across = np.gradient(now)
            blur = [
                ndimage.gaussian_filter(sure * a * b, _WINDOW * side)
                for a, b in ((across, across), (across, down), (down, down))
            ]
            apart = fixed - now
            right = [
                ndimage.gaussian_filter(sure * a * apart, _WINDOW * side) for a in (across, down)
            ]
            xx, xy, yy = blur[0] + _STEADY, blur[1], blur[2] + _STEADY
            determinant = xx * yy - xy * xy
            shift[0] += (yy * right[0] - xy * right[1]) / determinant
            shift[1] += (xx * right[1] - xy * right[0]) / determinant
            shift = shift.clip(-_MOST * side, _MOST * side)
        at = [rows + shift[1], columns + shift[0]]
        planes = [_image(c, texel, side) for c in skin.colour[e].numpy().T]
        taken = [ndimage.map_coordinates(p, at, order=1, mode="nearest") for p in planes]
        # Hidden texels are black: where any was read, the colour is no skin's.
        shown = _image((skin.colour[e].sum(-1) > 0).double().numpy(), texel, side)
        visible = ndimage.map_coordinates(shown, at, order=1, mode="nearest").ravel()[texel]
        colour = np.stack([p.ravel()[texel] for p in taken], 1)
        colours.append(colour / np.maximum(visible, 0.1)[:, None])
        moved = ndimage.map_coordinates(mask, at, order=1, mode="nearest").ravel()[texel]
        weights.append(np.where((moved > 0.05) & (visible > 0.9), moved, 0.0))
        length = np.hypot(*shift).ravel()[texel]
        shifts.append(float(np.median(length[weight[e] > 0.5])) if (weight[e] > 0.5).any() else 0.0)
    aligned = replace(
        skin,
        colour=torch.from_numpy(np.stack(colours)).float(),
        weight=torch.from_numpy(np.stack(weights)).float(),
    )
    return aligned, np.array(shifts)


def _image(values: NDArray[np.floating], texel: NDArray[np.int64], side: int) -> Float64Array:
    flat = np.zeros(side * side)
    flat[texel] = values
    return flat.reshape(side, side)


def _band(image: Float64Array, mask: Float64Array) -> Float64Array:
    side = len(image)
    levels = [
        ndimage.gaussian_filter(image * mask, share * side)
        / np.maximum(ndimage.gaussian_filter(mask, share * side), 1e-3)
        for share in (_FINE, _COARSE)
    ]
    return np.asarray((levels[0] - levels[1]) * (mask > 0.02))
