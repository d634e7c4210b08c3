"""What may happen to values between networks: One-Euro smoothing and neutral calibration.

Pure functions with explicit state: state in, state out. None of them is on unless asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien.tracker.features import (
    LARGEST_FEATURE,
    FeatureLayout,
    estimate_neutral,
    is_bounded,
)

__all__ = [
    "BLINK_CHANNELS",
    "MAX_CALIBRATION_FRAMES",
    "NeutralEstimator",
    "OneEuroConfig",
    "OneEuroState",
    "one_euro",
    "one_euro_lag_s",
    "smoothing_mask",
]

BLINK_CHANNELS = ("eyeBlinkLeft", "eyeBlinkRight")
"""Over within 0.1 to 0.2 s: smoothing would keep the lids from closing."""


@dataclass(frozen=True)
class OneEuroConfig:
    """One-Euro smoothing (Casiez, Roussel, Vogel 2012): steady at rest, quick in motion.

    The price is lag: a channel at rest follows 1 / (2 pi min_cutoff_hz) seconds late (0.106 s with
    the default), one that moves at v units a second 1 / (2 pi (min_cutoff_hz + beta v)) late
    (0.023 s at 2 units a second). `one_euro_lag_s` gives it for any setting.

    >>> round(one_euro_lag_s(OneEuroConfig(min_cutoff_hz=3.0)), 3)
    0.053
    """

    min_cutoff_hz: float = 1.5
    """Cut-off frequency at rest. Lower is steadier and later."""
    beta: float = 2.7
    """How fast the cut-off rises with a channel's speed, hertz per unit per second."""
    derivative_cutoff_hz: float = 1.0
    """Cut-off frequency of the speed estimate."""
    blink_guard: bool = True
    """Let blinks pass unsmoothed."""

    def __post_init__(self) -> None:
        cutoffs = self.min_cutoff_hz, self.derivative_cutoff_hz
        numbers = all(isinstance(value, Real) for value in (*cutoffs, self.beta))
        if not (numbers and all(0 < c < np.inf for c in cutoffs) and 0 <= self.beta < np.inf):
            raise InputError(
                f"One-Euro smoothing: {self}: cut-offs must be above 0 and beta 0 or more"
            )


@dataclass(frozen=True, eq=False)
class OneEuroState:
    """What the filter remembers of the frame before."""

    raw: NDArray[np.float32]
    """(..., C) values as they came in."""
    smooth: NDArray[np.float32]
    """(..., C) values as they went out."""
    speed: NDArray[np.float32]
    """(..., C) smoothed rate of change, units per second."""

    @classmethod
    def at(cls, values: NDArray[np.float32]) -> OneEuroState:
        """At rest at `values`."""
        return cls(values, values, np.zeros_like(values))


def one_euro(
    values: NDArray[np.float32], dt_s: float, state: OneEuroState | None, config: OneEuroConfig
) -> tuple[NDArray[np.float32], OneEuroState]:
    """Smooth (..., C) values that come `dt_s` seconds after those in `state`.

    Without a state the values pass and become it. dt_s may differ from call to call.
    Raises InputError for a dt_s that is not positive.
    """
    values = np.asarray(values, np.float32)
    if state is None:
        return values, OneEuroState.at(values)
    if not dt_s > 0:
        raise InputError(f"One-Euro smoothing: dt_s is {dt_s}, time must increase")
    speed_now = (values - state.raw) / np.float32(dt_s)
    share = _share(config.derivative_cutoff_hz, dt_s)
    speed = state.speed + share * (speed_now - state.speed)
    share = _share(config.min_cutoff_hz + config.beta * np.abs(speed), dt_s)
    smooth = (state.smooth + share * (values - state.smooth)).astype(np.float32)
    return smooth, OneEuroState(values, smooth, speed.astype(np.float32))


def _share(cutoff_hz: ArrayLike, dt_s: float) -> NDArray[np.float32]:
    """How much of the new value a first-order low pass takes."""
    turns = np.float32(2 * np.pi * dt_s) * np.asarray(cutoff_hz, np.float32)
    return np.asarray(turns / (turns + 1))


def one_euro_lag_s(config: OneEuroConfig, speed_per_s: float = 0.0) -> float:
    """By how many seconds a value that moves steadily at this speed (units a second) is late.

    Exact for a steady ramp after the start, at every frame rate. 0: the limit for slow motion.
    """
    return 1.0 / (2 * np.pi * (config.min_cutoff_hz + config.beta * abs(speed_per_s)))


def smoothing_mask(names: Sequence[str], config: OneEuroConfig) -> NDArray[np.bool_]:
    """(C,) which channels the smoothing may touch: all, but for blinks under the blink guard."""
    return np.array([not config.blink_guard or name not in BLINK_CHANNELS for name in names])


MAX_CALIBRATION_FRAMES = 600
"""The longest calibration: 20 s at 30 frames a second."""
KEPT_FRAMES = 128
"""So many frames are kept at most, evenly spread; the estimate's cost and memory end there."""


@dataclass(frozen=True, eq=False)
class NeutralEstimator:
    """Estimates a driver's neutral face from the first frames, then keeps it.

    Until it is ready, `neutral` is an estimate from what was seen so far, and `progress` tells how
    far that may be trusted. Of more than `KEPT_FRAMES` frames an even selection is used.

    The cost of an estimate grows with the frames kept, so it is renewed with each of the first 8,
    then 4 times until their number has doubled, and with the last frame.
    """

    wanted: int
    """Frames to use; 0 when the neutral was given."""
    seen: int
    """Frames used so far."""
    frames: NDArray[np.float32]
    """(n, F) raw features kept; empty once it is ready."""
    neutral: NDArray[np.float32] | None = None
    """(F,) raw features of the neutral face; None before the first frame."""

    @classmethod
    def start(cls, wanted: int, layout: FeatureLayout) -> NeutralEstimator:
        """Nothing seen yet. Raises InputError unless 1 <= wanted <= MAX_CALIBRATION_FRAMES."""
        if not 1 <= wanted <= MAX_CALIBRATION_FRAMES:
            raise InputError(
                f"calibration: frames is {wanted}, expected 1 to {MAX_CALIBRATION_FRAMES}"
            )
        return cls(wanted, 0, np.zeros((0, layout.size), np.float32))

    @classmethod
    def given(cls, neutral: NDArray[np.floating], layout: FeatureLayout) -> NeutralEstimator:
        """Ready from the start. Raises InputError for a neutral that does not fit the layout."""
        if np.shape(neutral) != (layout.size,) or not is_bounded(np.asarray(neutral)):
            raise InputError(
                f"neutral: expected {layout.size} finite values within +-{LARGEST_FEATURE:g}, "
                f"got shape {np.shape(neutral)}"
            )
        return cls(0, 0, np.zeros((0, layout.size), np.float32), np.array(neutral, np.float32))

    @classmethod
    def kept_of(cls, wanted: int, seen: int) -> int:
        """How many frames are kept after `seen` of `wanted`."""
        return 0 if seen >= wanted else -(-seen // cls._stride(wanted))

    @staticmethod
    def _stride(wanted: int) -> int:
        return -(-wanted // KEPT_FRAMES)

    @property
    def reserved_bytes(self) -> int:
        """What its frames will take at most until it is ready, bytes; 0 when it is."""
        if self.ready:
            return 0
        frames = -(-self.wanted // self._stride(self.wanted))
        return frames * self.frames.itemsize * int(self.frames.shape[1])

    @property
    def ready(self) -> bool:
        """Whether the neutral is final."""
        return self.seen >= self.wanted

    @property
    def progress(self) -> float:
        """Share of the frames that were seen: 1 when ready."""
        return 1.0 if self.ready else self.seen / self.wanted

    def update(self, features: NDArray[np.float32], layout: FeatureLayout) -> NeutralEstimator:
        """With one more frame of raw features (F,); unchanged once it is ready."""
        if self.ready:
            return self
        frames, neutral, seen = self.frames, self.neutral, self.seen + 1
        last, due = seen == self.wanted, False
        if self.seen % self._stride(self.wanted) == 0:
            frames = np.concatenate([frames, np.asarray(features, np.float32)[None]])
            due = _renews(len(frames))
        if due or last:
            neutral = estimate_neutral(frames, layout)
        if last:
            frames = np.zeros_like(frames, shape=(0, layout.size))  # a slice would keep them all
        return NeutralEstimator(self.wanted, seen, frames, neutral)


def _renews(kept: int) -> bool:
    """Whether the estimate is renewed with the `kept`-th frame: all of a calibration's estimates
    together cost as much as 7 from all its frames, however many those are."""
    return kept <= 8 or kept % (1 << (kept.bit_length() - 3)) == 0
