"""Random but repeatable scenes: who, lit how, seen by which camera, before what, how badly."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from mien.errors import InputError
from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.rendering.head_renderer import HeadRenderer
from mien_training.rendering.paint.look import Look
from mien_training.rendering.shading import Lighting

__all__ = ["RandomScene"]

ImageArray = NDArray[np.uint8]


@dataclass(frozen=True)
class RandomScene:
    """Everything but the performance, constant over one sequence and a function of the seed alone.

    Only sensor noise changes from frame to frame, and that too is a function of seed and frame.
    """

    seed: int
    strength: Literal["mild", "strong"] = "mild"
    """mild: a decent webcam in a decent room. strong: everything that spoils pictures."""
    size: int = 320
    """Side of the square pictures, pixels."""
    look: Look = field(init=False)
    """The painted person; paint once per scene (`paint_materials`)."""
    lighting: Lighting = field(init=False)
    exposure: float = field(init=False)
    """Factor of the head's radiance."""

    def __post_init__(self) -> None:
        if self.strength not in ("mild", "strong"):
            raise InputError(f"RandomScene: strength {self.strength!r}, expected 'mild', 'strong'")
        if self.size < 16:
            raise InputError(f"RandomScene: size {self.size}, expected at least 16 pixels")
        rng = self._rng(0)
        object.__setattr__(self, "look", Look.random(int(rng.integers(2**31))))
        object.__setattr__(self, "lighting", self._draw_lighting(rng))
        object.__setattr__(self, "exposure", float(np.exp(rng.normal(0, self._either(0.10, 0.28)))))

    def _rng(self, stream: int, frame: int = 0) -> np.random.Generator:
        return np.random.default_rng((self.seed, stream, frame))

    def _either(self, mild: float, strong: float) -> float:
        return mild if self.strength == "mild" else strong

    def _draw_lighting(self, rng: np.random.Generator) -> Lighting:
        spread = self._either(0.6, 1.15)
        directions, colours = [], []
        for name in ("key", "fill", "rim"):
            azimuth = rng.normal(0.0, spread) if name == "key" else rng.uniform(-2.2, 2.2)
            elevation = rng.normal(0.45, 0.30)
            if name == "rim":
                azimuth += np.pi
            level = {"key": rng.uniform(0.55, 0.95), "fill": rng.uniform(0.05, 0.40)}.get(
                name, max(0.0, rng.uniform(-0.3, 0.5))
            )
            # From tungsten to overcast: red and blue move against each other.
            warmth = rng.normal(0.0, self._either(0.07, 0.18))
            directions.append(
                (
                    np.cos(elevation) * np.sin(azimuth),
                    np.sin(elevation),
                    np.cos(elevation) * np.cos(azimuth),
                )
            )
            colours.append(level * np.exp([warmth, 0.0, -warmth]))
        ambient = rng.uniform(0.18, 0.45)
        tint = np.exp(np.array([1.0, 0.0, -1.0]) * rng.normal(0.0, 0.08))
        up, down = ambient * tint, ambient * rng.uniform(0.35, 0.8) / tint
        return Lighting(
            np.array(directions, np.float32),
            np.array(colours, np.float32),
            (float(up[0]), float(up[1]), float(up[2])),
            (float(down[0]), float(down[1]), float(down[2])),
        )

    def camera(self, vertices: ArrayLike) -> Camera:
        """A camera before the neutral head with these (V, 3) vertices, metres, rig space.

        It stands about where the face looks; focal length, distance, offset and a slight turn
        differ from scene to scene. Call once per sequence with the neutral.
        """
        v = np.asarray(vertices, np.float64)
        low, high = v.min(0), v.max(0)
        rng = self._rng(1)
        height = high[1] - low[1]
        share = rng.uniform(0.80, 1.25) if self.strength == "mild" else rng.uniform(0.52, 1.25)
        fov = rng.uniform(0.30, 0.85)
        distance = 0.5 * height / share / np.tan(0.5 * fov)
        yaw, pitch = rng.normal(0.0, self._either(0.05, 0.10), 2)
        shift = rng.uniform(-1, 1, 2) * height * max(1.0 / share - 0.85, 0.10) * 0.30
        target = 0.5 * (low + high) + (shift[0], shift[1], 0.0)
        around = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        roll = rng.normal(0.0, 0.04)
        # The face lies at the front of the box: measure the distance from there.
        eye = target + around * (distance + 0.35 * (high[2] - low[2]))
        camera = look_at_camera(
            eye, target, fov, self.size, self.size, (np.sin(roll), np.cos(roll), 0.0)
        )
        k1 = float(rng.normal(0.0, self._either(0.01, 0.05)))
        return Camera(camera.K, camera.camera_from_world, self.size, self.size, k1, 0.0)

    @cached_property
    def background(self) -> ImageArray:
        """(size, size, 3) sRGB: a gradient, soft clutter of shapes, some noise."""
        rng = self._rng(2)
        n = self.size
        vivid = rng.uniform(0.05, 0.5)
        ends = _muted(rng.integers(10, 235, (2, 3)), vivid)
        angle = rng.uniform(0, 2 * np.pi)
        grid = (np.arange(n) + 0.5) / n - 0.5
        t = 0.5 + 0.7 * (grid[None] * np.cos(angle) + grid[:, None] * np.sin(angle))
        picture = ends[0] + (ends[1] - ends[0]) * t.clip(0, 1)[..., None]
        canvas = Image.fromarray(picture.astype(np.uint8))
        draw = ImageDraw.Draw(canvas)
        for _ in range(int(rng.integers(0, 5 if self.strength == "mild" else 14))):
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

    def render(
        self, renderer: HeadRenderer, vertices: NDArray[np.float32], camera: Camera, frame: int = 0
    ) -> ImageArray:
        """(size, size, 3) picture of posed vertices as this scene's camera would deliver it."""
        clean = renderer.render(vertices, camera, self.lighting, self.background, self.exposure)
        return self.degrade(clean, frame)

    def degrade(self, image: ImageArray, frame: int = 0) -> ImageArray:
        """Lens blur, low resolution, white balance, contrast, sensor noise, compression."""
        blur_px, side, quality, curves, plate = self._defects
        height, width = image.shape[:2]
        picture = Image.fromarray(image)
        if side < 1.0:
            small = (max(int(width * side), 8), max(int(height * side), 8))
            picture = picture.resize(small, Image.Resampling.BOX)
        if blur_px > 0.15:
            picture = picture.filter(ImageFilter.GaussianBlur(blur_px * side))
        pixels = np.asarray(picture)
        toned = np.stack([curves[c][pixels[..., c]] for c in range(3)], -1)
        if plate is not None:
            y, x = self._rng(4, frame).integers(0, len(plate) // 2, 2)
            h, w = toned.shape[:2]
            rows, columns = np.arange(y, y + h) % len(plate), np.arange(x, x + w) % len(plate)
            toned = toned + plate[rows[:, None], columns]
        result = toned.clip(0, 255).astype(np.uint8)
        if quality < 95:
            buffer = io.BytesIO()
            Image.fromarray(result).save(buffer, "JPEG", quality=quality)
            result = np.asarray(Image.open(buffer))
        if side < 1.0:
            result = np.asarray(
                Image.fromarray(result).resize((width, height), Image.Resampling.BILINEAR)
            )
        return result

    @cached_property
    def _defects(
        self,
    ) -> tuple[float, float, int, NDArray[np.int16], NDArray[np.int16] | None]:
        """Blur (px), resolution share, JPEG quality, curves (3, 256), noise plate (N, N, 3)."""
        rng = self._rng(3)
        mild = self.strength == "mild"
        blur = max(0.0, rng.uniform(-0.4, 0.8 if mild else 1.6)) * self.size / 256
        poor = rng.random() < (0.15 if mild else 0.35)
        side = float(rng.uniform(0.42, 0.75)) if poor else 1.0
        coded = poor or rng.random() < (0.3 if mild else 0.6)
        quality = int(rng.integers(55 if mild else 28, 92)) if coded else 100
        gains = np.exp(rng.normal(0, self._either(0.03, 0.10), 3))
        gamma = np.exp(rng.normal(0, self._either(0.06, 0.16)))
        levels = 255.0 * (np.arange(256) / 255.0) ** gamma
        curves = np.rint(gains[:, None] * levels).astype(np.int16)
        sigma = rng.uniform(0.0, 3.0 if mild else 9.0)
        if sigma < 0.5:
            return blur, side, quality, curves, None
        shape = (self.size + self.size // 2, self.size + self.size // 2)
        grey, colour = rng.normal(0, sigma, (*shape, 1)), rng.normal(0, 0.5 * sigma, (*shape, 3))
        return blur, side, quality, curves, np.rint(grey + colour).astype(np.int16)


def _muted(colours: NDArray[np.int64], vivid: float) -> NDArray[np.float64]:
    """(..., 3) colours with their saturation brought down to the share `vivid`: rooms are dull."""
    grey = colours.mean(-1, keepdims=True)
    return np.asarray(grey + vivid * (colours - grey), np.float64)
