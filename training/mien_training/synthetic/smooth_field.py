"""Random fields over space without high frequencies: what neighbours share, and persons do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["SmoothField"]

Float64Array = NDArray[np.float64]

_WAVES = 48


class SmoothField:
    """A function of place: `channels` independent values of mean 0 and about variance 1.

    A sum of plane waves of random direction, phase and wavelength (random Fourier features of
    Rahimi and Recht 2007, "Random Features for Large-Scale Kernel Machines", algorithm 1), so it
    is defined everywhere and infinitely smooth.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        channels: int,
        shortest_m: float = 0.07,
        longest_m: float = 0.16,
    ) -> None:
        """Wavelengths are drawn between the two, metres. Raises InputError for an empty range."""
        if channels < 1 or not 0 < shortest_m <= longest_m:
            raise InputError(
                f"SmoothField: {channels} channels, wavelengths {shortest_m}..{longest_m} m; "
                "expected at least 1 and 0 < shortest <= longest"
            )
        direction = rng.standard_normal((channels, _WAVES, 3))
        direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
        wavelength = rng.uniform(shortest_m, longest_m, (channels, _WAVES, 1))
        # Cosines are all that a field costs, and take a fraction of the time in single precision.
        self._wave = (2 * np.pi * direction / wavelength).astype(np.float32)
        self._phase = rng.uniform(0, 2 * np.pi, (channels, _WAVES)).astype(np.float32)

    def __call__(self, points: ArrayLike) -> Float64Array:
        """(N, channels) values at (N, 3) points, metres."""
        at = np.asarray(points, np.float32)
        if at.ndim != 2 or at.shape[1] != 3:
            raise InputError(f"SmoothField: points {at.shape}, expected (N, 3)")
        values = [
            np.cos(at @ wave.T + phase).sum(1, dtype=np.float64)
            for wave, phase in zip(self._wave, self._phase, strict=True)
        ]
        return np.asarray(np.stack(values, 1) * np.sqrt(2 / _WAVES))
