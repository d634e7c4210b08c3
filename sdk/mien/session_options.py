"""How a session treats its driver."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from numbers import Real

from mien.errors import InputError
from mien.filters import MAX_CALIBRATION_FRAMES, OneEuroConfig

__all__ = ["SessionOptions"]


@dataclass(frozen=True)
class SessionOptions:
    """How a session treats its driver. Raises InputError for a value outside its range.

    >>> SessionOptions(smoothing=OneEuroConfig(min_cutoff_hz=1.0), hold_s=0).hold_s
    0
    """

    smoothing: OneEuroConfig | None = None
    """One-Euro smoothing of the channels; None: no smoothing, no lag."""
    calibration_frames: int = 30
    """First frames from which the driver's neutral face is estimated when it was not given, at most
    600. 0: the features come relative to their neutral."""
    min_presence: float = 0.5
    """Below this tracker confidence, 0 to 1, a face counts as lost."""
    hold_s: float = 0.25
    """How long a lost face's last expression is held; 0: not at all."""
    decay_s: float = 0.4
    """Time constant with which it then fades to neutral; 0: at once."""
    forget_s: float = 1.0
    """A face that was lost for longer starts with a fresh network state."""

    def __post_init__(self) -> None:
        if self.smoothing is not None and not isinstance(self.smoothing, OneEuroConfig):
            raise InputError(
                f"session options: smoothing is {self.smoothing!r}, expected a OneEuroConfig"
            )
        frames = self.calibration_frames
        if not isinstance(frames, int) or not 0 <= frames <= MAX_CALIBRATION_FRAMES:
            raise InputError(
                f"session options: calibration_frames is {frames!r}, expected an integer from 0 to "
                f"{MAX_CALIBRATION_FRAMES}"
            )
        if not (isinstance(self.min_presence, Real) and 0 <= self.min_presence <= 1):
            raise InputError(
                f"session options: min_presence is {self.min_presence!r}, expected 0 to 1"
            )
        for name in ("hold_s", "decay_s", "forget_s"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and isfinite(value) and value >= 0):
                raise InputError(
                    f"session options: {name} is {value!r}, expected finite seconds of 0 or more"
                )
