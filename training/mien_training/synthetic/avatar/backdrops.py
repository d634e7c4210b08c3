"""What may be behind a head that a camera moves past: walls, patterns, shelves, foliage, noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from mien_training.synthetic.background import draw_background

__all__ = ["draw_backdrop"]

ImageArray = NDArray[np.uint8]
Float32Array = NDArray[np.float32]


def draw_backdrop(
    rng: np.random.Generator, height: int, width: int, other: ImageArray | None = None
) -> ImageArray:
    """(height, width, 3) sRGB: plain or with texture at any scales; other (H, W, 3): a picture that
    may be hung into it, out of focus."""
    side = max(height, width)
    image = draw_background(rng, side, "mild" if rng.random() < 0.4 else "strong")
    picture = image[:height, :width].astype(np.float32)
    if other is not None and rng.random() < 0.3:
        picture = _hung(rng, picture, other)
    texture = rng.random()
    if texture < 0.35:
        picture += _octaves(rng, height, width)
    elif texture < 0.5:
        picture += _stripes(rng, height, width)
    elif texture < 0.65:
        picture = _blocks(rng, picture)
    elif texture < 0.75:
        picture = _strokes(rng, picture)
    sharpness = rng.random()
    if sharpness < 0.5:  # out of focus, or swept over while the shutter was open
        blur = float(np.exp(rng.uniform(-0.7, 1.6))) * side / 192
        if sharpness < 0.15:
            blur_px = max(int(3 * blur), 1)
            picture = ndimage.uniform_filter1d(picture, blur_px, axis=int(rng.integers(2)))
        else:
            picture = ndimage.gaussian_filter(picture, (blur, blur, 0))
    gain = np.exp(rng.normal(0, 0.25) + rng.normal(0, 0.08, 3))
    return np.asarray((picture * gain).clip(0, 255), np.uint8)


def _octaves(rng: np.random.Generator, height: int, width: int) -> Float32Array:
    """Noise of many scales: plaster, leaves, cloth."""
    total = np.zeros((height, width, 3), np.float32)
    colour = rng.normal(0, 1, 3) * rng.uniform(0, 0.5) + 1
    for octave in range(6):
        if rng.random() < 0.4:
            continue
        cell = 2**octave
        shape = (height // cell + 2, width // cell + 2)
        coarse = rng.normal(0, rng.uniform(2, 28), shape).astype(np.float32)
        fine = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(fine)[..., None] * colour.astype(np.float32)
    return total


def _stripes(rng: np.random.Generator, height: int, width: int) -> Float32Array:
    """Blinds, panelling, curtains: bands of some direction, hard or soft."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    along = x * np.cos(angle) + y * np.sin(angle)
    wave = np.sin(along * 2 * np.pi / rng.uniform(3, 40) + 2 * np.sin(along / rng.uniform(9, 60)))
    hard = np.clip(wave * rng.choice([1.0, 6.0]), -1, 1)
    return np.asarray(hard[..., None] * rng.normal(0, 30, 3), np.float32)


def _blocks(rng: np.random.Generator, picture: Float32Array) -> Float32Array:
    """Shelves: upright and flat boxes side by side, each of a colour."""
    height, width = picture.shape[:2]
    top = 0
    while top < height:
        tall = int(rng.integers(8, max(height // 3, 9)))
        left = 0
        while left < width:
            wide = int(rng.integers(3, max(width // 8, 4)))
            shade = rng.uniform(10, 230) + rng.normal(0, 35, 3)
            picture[top : top + tall - 2, left : left + wide] = shade
            left += wide + int(rng.integers(0, 4))
        top += tall
    return picture


def _strokes(rng: np.random.Generator, picture: Float32Array) -> Float32Array:
    """Thin things, twigs and cables, which are not hair."""
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(5, 60))):
        t = np.linspace(0, 1, 2 * height)
        start, way = rng.uniform(0, 1, 2) * (width, height), rng.normal(0, 0.5, 2) * width
        bend = rng.normal(0, 0.15, 2) * width
        path = start + t[:, None] * way + np.sin(np.pi * t)[:, None] * bend
        x, y = np.rint(path).astype(int).T
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        picture[y[inside], x[inside]] = rng.uniform(0, 255) + rng.normal(0, 20, 3)
    return picture


def _hung(rng: np.random.Generator, picture: Float32Array, other: ImageArray) -> Float32Array:
    """Another picture behind all else, larger or smaller and blurred."""
    height, width = picture.shape[:2]
    side = int(rng.uniform(0.4, 1.3) * min(height, width))
    small = Image.fromarray(other).resize((side, side), Image.Resampling.BILINEAR)
    blur = float(np.exp(rng.uniform(-0.5, 1.5)))
    shown = ndimage.gaussian_filter(np.asarray(small, np.float32), (blur, blur, 0))
    left, top = (int(rng.integers(-side // 2, room - side // 2 + 1)) for room in (width, height))
    rows, columns = (slice(max(a, 0), min(a + side, n)) for a, n in ((top, height), (left, width)))
    picture[rows, columns] = shown[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return picture
