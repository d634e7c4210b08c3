"""Random light: three lamps and a sky, in rooms from tungsten to overcast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mien.errors import InputError
from mien_training.rendering.shading import Lighting

__all__ = ["Light", "Strength", "check_strength", "pick"]

Strength = Literal["mild", "strong"]
"""mild: a decent webcam in a decent room. strong: everything that degrades images."""


def check_strength(where: str, strength: str) -> None:
    """Raises InputError for what is no `Strength`."""
    if strength not in ("mild", "strong"):
        raise InputError(f"{where}: strength {strength!r}, expected 'mild', 'strong'")


def pick(strength: Strength, mild: float, strong: float) -> float:
    """One of two numbers."""
    return mild if strength == "mild" else strong


@dataclass(frozen=True, eq=False)
class Light:
    """What falls on the head, and how the camera is exposed to it; constant over a sequence."""

    lighting: Lighting
    exposure: float
    """Factor of the head's radiance."""

    @classmethod
    def draw(cls, rng: np.random.Generator, strength: Strength) -> Light:
        """A random room: key, fill and rim light of random place, level and warmth."""
        spread = pick(strength, 0.6, 1.15)
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
            warmth = rng.normal(0.0, pick(strength, 0.07, 0.18))
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
        lighting = Lighting(
            np.array(directions, np.float32),
            np.array(colours, np.float32),
            (float(up[0]), float(up[1]), float(up[2])),
            (float(down[0]), float(down[1]), float(down[2])),
        )
        return cls(lighting, float(np.exp(rng.normal(0, pick(strength, 0.10, 0.28)))))
