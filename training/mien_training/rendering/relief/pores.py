"""The skin's finest relief, below what images of a whole face resolve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.noise import SpaceNoise, smoothstep
from mien_training.rendering.relief.face_chart import FaceChart

__all__ = ["pore_heights"]

Float32Array = NDArray[np.float32]


def pore_heights(points: Float32Array, chart: FaceChart, depth_m: float, seed: int) -> Float32Array:
    """(N,) metres at rest positions (N, 3): pores, deepest (`depth_m`) about the nose and shallow
    elsewhere, and grain between them; a function of place and seed."""
    flat, _ = chart.flat(points)
    noise = SpaceNoise(seed + 61)
    about_nose = np.exp(-((flat[:, 0] / 0.55) ** 2) - ((flat[:, 1] + 0.45) / 0.55) ** 2)
    depth = depth_m * (0.35 + 0.65 * about_nose)
    pits = -smoothstep(0.6, 1.8, noise(points, 0.0009, 7))
    grain = 0.35 * noise(points, 0.0006, 8) + 0.35 * noise(points, 0.0016, 9)
    return np.asarray(depth * (pits + 0.4 * grain), np.float32)
