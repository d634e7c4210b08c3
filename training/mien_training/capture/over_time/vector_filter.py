"""The One-Euro filter for vectors: no axis is special, and turning the world turns the result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["FilterSettings", "VectorState", "low_pass_share", "one_euro_step"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class FilterSettings:
    """One-Euro smoothing (Casiez, Roussel, Vogel 2012): steady at rest, quick in motion.

    What moves steadily at v units a second is 1 / (2 pi (min_cutoff_hz + beta max(v - quiet, 0)))
    seconds late.
    """

    min_cutoff_hz: float
    """Cut-off frequency at rest. Lower is steadier and later."""
    beta: float
    """How fast the cut-off rises with speed, hertz per unit a second."""
    quiet: float = 0.0
    """Speed below which something counts as resting: noise alone seems so fast, units a second."""
    derivative_cutoff_hz: float = 2.0
    """Cut-off frequency of the speed estimate."""

    def __post_init__(self) -> None:
        cutoffs = self.min_cutoff_hz, self.derivative_cutoff_hz
        if not all(0 < c < np.inf for c in cutoffs) or not 0 <= self.beta < np.inf:
            raise InputError(f"{self}: expected cut-offs above 0, beta 0 or more")
        if not 0 <= self.quiet < np.inf:
            raise InputError(f"{self}: expected quiet 0 or more")

    def lag_s(self, speed: float = 0.0) -> float:
        """By how many seconds what moves steadily at this speed is late, units a second."""
        cutoff = self.min_cutoff_hz + self.beta * max(abs(speed) - self.quiet, 0.0)
        return float(1 / (2 * np.pi * cutoff))


@dataclass(frozen=True, eq=False)
class VectorState:
    """What the filter remembers of the moment before."""

    raw: Float64Array
    """(..., D) as it came in."""
    smooth: Float64Array
    """(..., D) as it went out."""
    speed: Float64Array
    """(..., D) smoothed rate of change, units a second."""

    @classmethod
    def at(cls, values: ArrayLike) -> VectorState:
        """At rest at `values`."""
        found = np.asarray(values, np.float64)
        return cls(found, found, np.zeros_like(found))


def low_pass_share(cutoff_hz: ArrayLike, dt_s: float) -> Float64Array:
    """How much of the new value a first-order low pass takes, 0..1."""
    turns = 2 * np.pi * dt_s * np.asarray(cutoff_hz, np.float64)
    return np.asarray(turns / (turns + 1))


def one_euro_step(
    change: Float64Array, dt_s: float, speed: Float64Array, settings: FilterSettings
) -> tuple[Float64Array, Float64Array]:
    """Speed (..., D) with one more change (..., D) of the raw values, and the cut-off (...,) hertz.

    Raises InputError for a dt_s that is not positive.
    """
    if not dt_s > 0:
        raise InputError(f"One-Euro smoothing: dt_s is {dt_s}, time must increase")
    share = low_pass_share(settings.derivative_cutoff_hz, dt_s)
    speed = speed + share * (change / dt_s - speed)
    return speed, cutoff_hz(np.linalg.norm(speed, axis=-1), settings)


def cutoff_hz(speed: Float64Array, settings: FilterSettings) -> Float64Array:
    """(...,) hertz at speeds (...,), units a second."""
    return np.asarray(
        settings.min_cutoff_hz + settings.beta * np.maximum(speed - settings.quiet, 0.0)
    )
