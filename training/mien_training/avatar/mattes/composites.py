"""Pictures of synthetic people, put before any background and filmed by any camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from mien_training.avatar.mattes.matte_samples import MatteSample
from mien_training.avatar.mattes.mesh_hints import head_height
from mien_training.synthetic.avatar.backdrops import draw_backdrop
from mien_training.synthetic.avatar.shoulders import draw_shoulders
from mien_training.synthetic.degradation import Degradation
from mien_training.synthetic.light import Strength

__all__ = ["Composite", "compose", "composite_over", "linear"]

Float32Array = NDArray[np.float32]
_BODY = 0.85
"""Share of pictures with neck and shoulders below the head."""
_SKIN = (170, 125, 105)


@dataclass(frozen=True, eq=False)
class Composite:
    """One picture and its truth."""

    image: NDArray[np.uint8]
    """(S, S, 3) sRGB."""
    alpha: Float32Array
    """(S, S) 0..1"""
    covered: NDArray[np.bool_]
    """(S, S) by the fitted mesh."""
    height_px: float
    """Of the mesh."""


def compose(
    sample: MatteSample, picture: int, side: int, rng: np.random.Generator,
    other: NDArray[np.uint8] | None = None,
) -> Composite:  # fmt: skip
    """One picture of a sample, cut at random, in a random place; other: as in `draw_backdrop`."""
    whole = sample.alpha.shape[1]
    cut = int(rng.integers(int(0.7 * whole), whole + 1))
    left, top = _cut_corner(rng, sample.covered[picture], cut)
    layers = np.concatenate(
        [
            linear(sample.colour[picture]),
            sample.alpha[picture, ..., None] / np.float32(255),
            sample.covered[picture, ..., None],
        ],
        2,
    )
    layers = layers[top : top + cut, left : left + cut].astype(np.float32)
    layers = _resized(layers, side)
    neck = (sample.neck[picture] - (left, top)) * (side / cut)
    if rng.random() < 0.5:
        layers = layers[:, ::-1]
        neck = np.stack([side - neck[:, 0], neck[:, 1]], 1)
    colour, alpha, covered = layers[..., :3], layers[..., 3].clip(0, 1), layers[..., 4] > 0.5
    colour = colour * np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.06, 3)).astype(np.float32)
    height = head_height(covered[None])
    behind = draw_backdrop(rng, side, side, other)
    if rng.random() < _BODY:
        cloth = draw_backdrop(rng, side, side)
        skin = _skin(colour, alpha, neck, height)
        behind = draw_shoulders(rng, behind, neck, height, skin, cloth)
    image = composite_over(colour, alpha, behind)
    strength: Strength = "mild" if rng.random() < 0.6 else "strong"
    filmed = Degradation.draw(rng, strength, side, int(rng.integers(2**31)))
    return Composite(filmed.apply(image), np.ascontiguousarray(alpha), covered, height)


def composite_over(
    colour: Float32Array, alpha: Float32Array, behind: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(H, W, 3) sRGB: premultiplied linear colour (H, W, 3) with coverage (H, W) over sRGB."""
    light = colour + (1 - alpha[..., None]) * linear(behind)
    light = light.clip(0, 1)
    codes = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * codes), np.uint8)


def linear(codes: NDArray[np.uint8]) -> Float32Array:
    """0..1 of sRGB codes."""
    return np.asarray(_LINEAR[codes])


def _linear_of_codes() -> Float32Array:
    x = np.arange(256) / 255
    return np.where(x < 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR = _linear_of_codes()


def _cut_corner(rng: np.random.Generator, covered: NDArray[np.bool_], cut: int) -> tuple[int, int]:
    """Left and top of a square that loses no more of the mesh than it must."""
    whole = len(covered)
    corner = []
    for axis in (0, 1):
        there = np.flatnonzero(covered.any(axis))
        low, high = (int(there[0]), int(there[-1]) + 1) if len(there) else (0, whole)
        first, last = sorted((min(low, whole - cut), max(high - cut, 0)))
        corner.append(int(rng.integers(first, last + 1)))
    return corner[0], corner[1]


def _resized(layers: Float32Array, side: int) -> Float32Array:
    """(side, side, C) of (S, S, C), smoothed as far as it becomes smaller."""
    image = torch.from_numpy(layers.transpose(2, 0, 1).copy())[None]
    small = F.interpolate(image, (side, side), mode="bilinear", antialias=True)
    return np.asarray(small[0].numpy().transpose(1, 2, 0))


def _skin(
    colour: Float32Array, alpha: Float32Array, neck: Float32Array, height: float
) -> NDArray[np.float64]:
    """(3,) sRGB of the neck just above where the mesh ends."""
    (left, right), level = neck[:, 0], float(neck[0, 1])
    rows = slice(max(int(level - 0.12 * height), 0), max(int(level - 0.03 * height), 1))
    columns = slice(max(int(left), 0), max(int(right), 1))
    whole = alpha[rows, columns] > 0.95
    if not whole.any():
        return np.array(_SKIN, np.float64)
    shown = composite_over(colour[rows, columns], alpha[rows, columns],
                           np.zeros((*whole.shape, 3), np.uint8))  # fmt: skip
    return np.asarray(np.median(shown[whole], 0), np.float64)
