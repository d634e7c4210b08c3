"""Seeded band-limited noise over space: the same point gets the same value in every texture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["SpaceNoise", "mix", "smoothstep"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.floating[Any]]


class SpaceNoise:
    """A random lattice of 48^3 normal values, repeated through space, read trilinearly."""

    SIDE = 48

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._lattice = rng.standard_normal((self.SIDE,) * 3).astype(np.float32)

    def __call__(
        self, points: NDArray[np.float32], wavelength_m: float, layer: int = 0
    ) -> Float32Array:
        """(N,) values of about unit variance at (N, 3) points, metres; `layer` picks a field."""
        shift = np.array([7.3, 17.9, 29.1], np.float32) * np.float32(layer)
        grid = (points / np.float32(wavelength_m) + shift).T
        values = ndimage.map_coordinates(self._lattice, grid, order=1, mode="grid-wrap")
        # Trilinear averaging leaves (2/3)^3 of the lattice's variance.
        return np.asarray(values * np.float32(1.8371), np.float32)


def mix(below: FloatArray, above: FloatArray, amount: FloatArray) -> Float32Array:
    """(N, 3) colours `below`, covered by `above` to the degree (N,) `amount`, clipped to 0..1."""
    return np.asarray(below + (above - below) * amount[:, None].clip(0.0, 1.0), np.float32)


def smoothstep(low: float, high: float, x: FloatArray) -> Float32Array:
    """0 below `low`, 1 above `high` (or the reverse if low > high), smooth between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)
