"""Random backgrounds: a gradient, soft clutter of shapes, some noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from mien_training.synthetic.light import Strength

__all__ = ["draw_background"]


def draw_background(rng: np.random.Generator, n: int, strength: Strength) -> NDArray[np.uint8]:
    """(n, n, 3) sRGB; strong ones hold more clutter."""
    vivid = rng.uniform(0.05, 0.5)
    ends = _muted(rng.integers(10, 235, (2, 3)), vivid)
    angle = rng.uniform(0, 2 * np.pi)
    grid = (np.arange(n) + 0.5) / n - 0.5
    t = 0.5 + 0.7 * (grid[None] * np.cos(angle) + grid[:, None] * np.sin(angle))
    gradient = ends[0] + (ends[1] - ends[0]) * t.clip(0, 1)[..., None]
    canvas = Image.fromarray(gradient.astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(0, 5 if strength == "mild" else 14))):
        x, y = rng.uniform(-0.2, 1.0, 2) * n
        w, h = rng.uniform(0.05, 0.6, 2) * n
        colour = tuple(_muted(rng.integers(0, 255, 3), vivid).astype(int).tolist())
        shape = draw.ellipse if rng.random() < 0.4 else draw.rectangle
        shape((x, y, x + w, y + h), fill=colour)
    canvas = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 9.0)) * n / 256))
    coarse = rng.normal(0, rng.uniform(0, 14), (n // 8 + 2, n // 8 + 2)).astype(np.float32)
    rough = np.asarray(Image.fromarray(coarse).resize((n, n), Image.Resampling.BICUBIC))
    rough = np.asarray(canvas, np.float32) + rough[..., None]
    return np.asarray(rough.clip(0, 255), np.uint8)


def _muted(colours: NDArray[np.int64], vivid: float) -> NDArray[np.float64]:
    """(..., 3) colours with their saturation brought down to the share `vivid`: rooms are dull."""
    grey = colours.mean(-1, keepdims=True)
    return np.asarray(grey + vivid * (colours - grey), np.float64)
