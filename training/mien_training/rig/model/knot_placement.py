"""Where a motion's spline has its knots: densely where the face moves fast.

A blink is over within a tenth of a second, a smile takes one. Knots at the rate of the blink all
along would leave every quiet frame to itself; at the rate of the smile they miss the blink.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import InputError

__all__ = ["KnotPlacement"]


@dataclass(frozen=True, eq=False)
class KnotPlacement:
    """Time -> place counted in knots, strictly increasing; its slope is the rate of knots."""

    times_s: Tensor
    """(M,) float64, increasing."""
    rate_hz: Tensor
    """(M,) float64 knots per second there, above 0; linear in between."""
    place: Tensor
    """(M,) float64 knots before each time: the integral of `rate_hz`."""

    @classmethod
    def of(cls, times_s: Tensor, rate_hz: Tensor) -> KnotPlacement:
        """Of (M,) rates at (M,) increasing times. Raises InputError for other arrays."""
        times, rate = times_s.double(), rate_hz.double()
        if len(times) < 2 or rate.shape != times.shape or not bool((times.diff() > 0).all()):
            raise InputError(
                f"KnotPlacement: times {tuple(times.shape)}, rates {tuple(rate.shape)}, expected "
                "two increasing times or more with a rate each"
            )
        if not bool((rate > 0).all()):
            raise InputError("KnotPlacement: a rate of 0 or less, expected knots everywhere")
        parts = 0.5 * (rate[1:] + rate[:-1]) * times.diff()
        return cls(times, rate, torch.cat([times.new_zeros(1), parts.cumsum(0)]))

    @classmethod
    def uniform(cls, start_s: float, end_s: float, rate_hz: float) -> KnotPlacement:
        """The same rate throughout."""
        times = torch.tensor([start_s, end_s], dtype=torch.float64)
        return cls.of(times, torch.full((2,), rate_hz, dtype=torch.float64))

    @property
    def controls(self) -> int:
        """Control values of a uniform cubic spline over all places."""
        return int(torch.ceil(self.place[-1] - 1e-9)) + 3

    def at(self, times_s: Tensor) -> tuple[Tensor, Tensor]:
        """Places of (T,) times and knots per second there, in their type; held at both ends."""
        times, rate, place = (
            part.to(times_s.device) for part in (self.times_s, self.rate_hz, self.place)
        )
        t = times_s.double().clamp(float(times[0]), float(times[-1]))
        cell = (torch.searchsorted(times, t.detach(), right=True) - 1).clamp(0, len(times) - 2)
        slope = (rate[cell + 1] - rate[cell]) / (times[cell + 1] - times[cell])
        x = t - times[cell]
        at = place[cell] + x * (rate[cell] + 0.5 * slope * x)
        return at.to(times_s.dtype), (rate[cell] + slope * x).to(times_s.dtype)
