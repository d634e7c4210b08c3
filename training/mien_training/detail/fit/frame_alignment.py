"""Frames laid upon each other on the face atlas, to the texel.

The tracker's points, or a rig's fit, place a head to a millimetre or two, and folds are no wider.
The skin's own pattern is finer: every frame is shifted over the atlas, smoothly, until it lies on
the rig's texture (Lucas and Kanade 1981, with a window of several millimetres). That texture is a
blurred one; the mean of the frames so laid is sharper, and they are then laid on that, more and
more closely (groupwise registration, as Learned-Miller 2006, "Data Driven Image Models through
Continuous Joint Alignment").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

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
_CLOSER = (0.05, 0.05)
"""The same when frames are laid on their own mean, again and again. Closer, and folds that come
with an expression are taken for a shift."""
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
    images = [_image(values, texel, side) for values in seen]
    masks = [_image(values, texel, side) for values in skin.weight.numpy()]
    patterns = [_band(image, mask) for image, mask in zip(images, masks, strict=True)]
    everywhere = _image(np.ones(len(texel)), texel, side)
    fixed = _band(_image(reference, texel, side), everywhere)
    still = np.zeros((2, side, side))
    shifts = [_shifted(p, m, fixed, still, _WINDOW) for p, m in zip(patterns, masks, strict=True)]
    on_texture = np.mean(shifts, axis=0)
    for window in _CLOSER:
        fixed = _band(*_mean(images, masks, shifts))
        shifts = [
            _shifted(p, m, fixed, s, window)
            for p, m, s in zip(patterns, masks, shifts, strict=True)
        ]
        drift = np.mean(shifts, axis=0) - on_texture  # on their own mean, all may wander together
        shifts = [s - drift for s in shifts]
    colours, weights, lengths = [], [], []
    for e, shift in enumerate(shifts):
        planes = [_image(c, texel, side) for c in skin.colour[e].numpy().T]
        taken = [_moved(p, shift) for p in planes]
        # Hidden texels are black: where any was read, the colour is no skin's.
        shown = _image((skin.colour[e].sum(-1) > 0).double().numpy(), texel, side)
        visible = _moved(shown, shift).ravel()[texel]
        colour = np.stack([p.ravel()[texel] for p in taken], 1)
        colours.append(colour / np.maximum(visible, 0.1)[:, None])
        moved = _moved(masks[e], shift).ravel()[texel]
        weights.append(np.where((moved > 0.05) & (visible > 0.9), moved, 0.0))
        length = np.hypot(*shift).ravel()[texel]
        sure = masks[e].ravel()[texel] > 0.5
        lengths.append(float(np.median(length[sure])) if sure.any() else 0.0)
    aligned = replace(
        skin,
        colour=torch.from_numpy(np.stack(colours)).float(),
        weight=torch.from_numpy(np.stack(weights)).float(),
    )
    return aligned, np.array(lengths)


def _shifted(
    pattern: Float64Array, mask: Float64Array, fixed: Float64Array, start: Float64Array,
    window: float,
) -> Float64Array:  # fmt: skip
    """(2, S, S) texels across and down at which `pattern` is to be read to lie on `fixed`; from
    `start` on, smooth over `window` of the atlas's side."""
    side = len(pattern)
    shift = start.copy()
    for _ in range(_ROUNDS):
        now, sure = _moved(pattern, shift), _moved(mask, shift)
        down, across = np.gradient(now)
        blur = [
            _blurred(sure * a * b, window)
            for a, b in ((across, across), (across, down), (down, down))
        ]
        apart = fixed - now
        right = [_blurred(sure * a * apart, window) for a in (across, down)]
        xx, xy, yy = blur[0] + _STEADY, blur[1], blur[2] + _STEADY
        determinant = xx * yy - xy * xy
        shift[0] += (yy * right[0] - xy * right[1]) / determinant
        shift[1] += (xx * right[1] - xy * right[0]) / determinant
        shift = shift.clip(-_MOST * side, _MOST * side)
    return shift


def _moved(image: Float64Array, shift: Float64Array) -> Float64Array:
    """(S, S) read at places shifted by (2, S, S) texels across and down."""
    rows, columns = np.mgrid[: len(image), : len(image)].astype(np.float64)
    at = [rows + shift[1], columns + shift[0]]
    return np.asarray(ndimage.map_coordinates(image, at, order=1, mode="nearest"))


def _mean(
    images: Sequence[Float64Array], masks: Sequence[Float64Array], shifts: Sequence[Float64Array]
) -> tuple[Float64Array, Float64Array]:
    """(S, S) mean of the shifted images, and how much of them it is of, up to 1."""
    total, weight = np.zeros_like(images[0]), np.zeros_like(images[0])
    for image, mask, shift in zip(images, masks, shifts, strict=True):
        sure = _moved(mask, shift)
        total += sure * _moved(image, shift)
        weight += sure
    return total / np.maximum(weight, 1e-3), weight.clip(0, 1)


def _image(values: NDArray[np.floating], texel: NDArray[np.int64], side: int) -> Float64Array:
    flat = np.zeros(side * side)
    flat[texel] = values
    return flat.reshape(side, side)


@cache
def _blur(side: int, share: float) -> Float64Array:
    """(S, S) a Gaussian filter along a line; share: its standard deviation, of the side."""
    return np.asarray(ndimage.gaussian_filter1d(np.eye(side), share * side, axis=0))


def _blurred(image: Float64Array, share: float) -> Float64Array:
    """Filtered down and across: as products with matrices several times faster for such windows."""
    along = _blur(len(image), share)
    return along @ image @ along.T


def _band(image: Float64Array, mask: Float64Array) -> Float64Array:
    levels = [
        _blurred(image * mask, share) / np.maximum(_blurred(mask, share), 1e-3)
        for share in (_FINE, _COARSE)
    ]
    return np.asarray((levels[0] - levels[1]) * (mask > 0.02))
