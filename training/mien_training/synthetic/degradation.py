"""What cameras and networks do to images: blur, low resolution, wrong colours, noise, JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mien_training.synthetic.light import Strength, pick

__all__ = ["Degradation"]

ImageArray = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Degradation:
    """One camera's defects, constant over a sequence but for where its noise lies."""

    seed: int
    """Places the noise, with the frame's number."""
    blur_px: float
    """Standard deviation of the lens blur, pixels."""
    resolution: float
    """Share of the image's side that is really resolved."""
    jpeg_quality: int
    """Of the compression; 95 and more is none."""
    curves: NDArray[np.int16]
    """(3, 256) response of each colour: white balance and contrast."""
    noise: NDArray[np.int16] | None
    """(N, N, 3) a plate of sensor noise, codes; None without."""

    @classmethod
    def draw(
        cls, rng: np.random.Generator, strength: Strength, size: int, seed: int
    ) -> Degradation:
        """A random camera for images of `size` pixels a side."""
        mild = strength == "mild"
        blur = max(0.0, rng.uniform(-0.4, 0.8 if mild else 1.6)) * size / 256
        poor = rng.random() < (0.15 if mild else 0.35)
        side = float(rng.uniform(0.42, 0.75)) if poor else 1.0
        coded = poor or rng.random() < (0.3 if mild else 0.6)
        quality = int(rng.integers(55 if mild else 28, 92)) if coded else 100
        gains = np.exp(rng.normal(0, pick(strength, 0.03, 0.10), 3))
        gamma = np.exp(rng.normal(0, pick(strength, 0.06, 0.16)))
        levels = 255.0 * (np.arange(256) / 255.0) ** gamma
        curves = np.rint(gains[:, None] * levels).astype(np.int16)
        sigma = rng.uniform(0.0, 3.0 if mild else 9.0)
        if sigma < 0.5:
            return cls(seed, blur, side, quality, curves, None)
        shape = (size + size // 2, size + size // 2)
        grey, colour = rng.normal(0, sigma, (*shape, 1)), rng.normal(0, 0.5 * sigma, (*shape, 3))
        return cls(seed, blur, side, quality, curves, np.rint(grey + colour).astype(np.int16))

    def apply(self, image: ImageArray, frame: int = 0) -> ImageArray:
        """(H, W, 3) sRGB as this camera would deliver it; a function of seed and frame."""
        side, plate = self.resolution, self.noise
        height, width = image.shape[:2]
        degraded = Image.fromarray(image)
        if side < 1.0:
            small = (max(int(width * side), 8), max(int(height * side), 8))
            degraded = degraded.resize(small, Image.Resampling.BOX)
        if self.blur_px > 0.15:
            degraded = degraded.filter(ImageFilter.GaussianBlur(self.blur_px * side))
        pixels = np.asarray(degraded)
        toned = np.empty(pixels.shape, np.int16)
        for c in range(3):
            toned[..., c] = self.curves[c].take(pixels[..., c])
        if plate is not None:
            y, x = np.random.default_rng((self.seed, 4, frame)).integers(0, len(plate) // 2, 2)
            h, w = pixels.shape[0], pixels.shape[1]
            for rows, noisy_rows in _wrapped(int(y), h, len(plate)):
                for columns, noisy_columns in _wrapped(int(x), w, len(plate)):
                    toned[rows, columns] += plate[noisy_rows, noisy_columns]
        result = np.clip(toned, 0, 255, out=toned).astype(np.uint8)
        if self.jpeg_quality < 95:
            buffer = io.BytesIO()
            Image.fromarray(result).save(buffer, "JPEG", quality=self.jpeg_quality)
            result = np.asarray(Image.open(buffer))
        if side < 1.0:
            result = np.asarray(
                Image.fromarray(result).resize((width, height), Image.Resampling.BILINEAR)
            )
        return result


def _wrapped(start: int, length: int, period: int) -> list[tuple[slice, slice]]:
    """Where start .. start + length lies in 0 .. length, and in 0 .. period with wrap-around."""
    parts, done = [], 0
    while done < length:
        at = (start + done) % period
        count = min(length - done, period - at)
        parts.append((slice(done, done + count), slice(at, at + count)))
        done += count
    return parts
