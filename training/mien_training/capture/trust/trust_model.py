"""How far a vertex is to be believed: a monotone model of its error, calibrated on known people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls
from scipy.special import ndtr

from mien.errors import InputError

__all__ = ["DOUBTS", "TrustModel", "fit_trust"]

Float64Array = NDArray[np.float64]

DOUBTS = ("unseen", "grazing", "narrow", "covered", "far", "residual", "deviation")
"""What makes errors larger (`vertex_doubts`)."""


@dataclass(frozen=True)
class TrustModel:
    """log(error / 1 m) ~ N(level + slopes . doubts, scatter^2), slopes >= 0.

    The numbers are those of docs/results/capture_trust.md.
    """

    level: float = -7.38
    """Of a vertex without any doubt."""
    slopes: tuple[float, ...] = (0.07, 0.0, 0.0, 0.15, 0.04, 0.0, 1.03)
    """Of DOUBTS, in their order."""
    usual: tuple[float, ...] = (0.64, 0.5, 0.49, 0.15, 1.13, 1.91, 1.4)
    """Means of DOUBTS, for those that are not known (NaN)."""
    scatter: float = 0.57
    """Standard deviation."""
    within_m: float = 0.002
    """Confidence is the probability of an error below this, metres."""

    def __post_init__(self) -> None:
        numbers = np.array([self.level, *self.slopes, *self.usual, self.scatter, self.within_m])
        if not len(self.slopes) == len(self.usual) == len(DOUBTS) or not np.isfinite(numbers).all():
            raise InputError(f"{self}: expected {len(DOUBTS)} slopes and means, finite")
        if min(self.slopes) < 0 or self.scatter <= 0 or self.within_m <= 0:
            raise InputError(f"{self}: expected slopes of 0 or more, scatter and within_m above 0")

    def spread_m(self, doubts: ArrayLike) -> Float64Array:
        """(...,) expected error, metres, of doubts (..., 7)."""
        return np.asarray(np.exp(self._log_error(doubts) + 0.5 * self.scatter**2))

    def confidence(self, doubts: ArrayLike) -> Float64Array:
        """(...,) 0..1, of doubts (..., 7): never rises with any of them."""
        distance = np.log(self.within_m) - self._log_error(doubts)
        return np.asarray(ndtr(distance / self.scatter))

    def _log_error(self, doubts: ArrayLike) -> Float64Array:
        values = np.asarray(doubts, np.float64)
        if values.shape[-1:] != (len(DOUBTS),) or np.isinf(values).any():
            raise InputError(
                f"TrustModel: doubts {values.shape}, expected (..., {len(DOUBTS)}), finite or NaN"
            )
        known = np.where(np.isnan(values), np.array(self.usual), values)
        return np.asarray(self.level + known @ np.array(self.slopes))


def fit_trust(doubts: ArrayLike, errors_m: ArrayLike, within_m: float = 0.002) -> TrustModel:
    """The model of highest likelihood for errors (N,) of known vertices with doubts (N, 7).

    Non-negative least squares over logarithms (Lawson and Hanson 1974, chapter 23); the level is
    free. Errors below 0.01 mm count as that. Raises InputError for other shapes, numbers that are
    not finite or negative errors.
    """
    values, errors = np.asarray(doubts, np.float64), np.asarray(errors_m, np.float64)
    if values.shape != (len(errors), len(DOUBTS)) or len(errors) <= len(DOUBTS):
        raise InputError(
            f"fit_trust: doubts {values.shape}, errors_m {errors.shape}, expected "
            f"(N, {len(DOUBTS)}) and (N,), more than {len(DOUBTS)}"
        )
    if not (np.isfinite(values).all() and np.isfinite(errors).all() and (errors >= 0).all()):
        raise InputError("fit_trust: expected finite doubts, and errors of 0 or more")
    target = np.log(np.maximum(errors, 1e-5))
    # Without their means the level falls out, which alone may have either sign.
    slopes, _ = nnls(values - values.mean(0), target - target.mean())
    level = float(target.mean() - values.mean(0) @ slopes)
    scatter = float(np.std(target - level - values @ slopes))
    usual = tuple(values.mean(0).tolist())
    return TrustModel(level, tuple(slopes.tolist()), usual, max(scatter, 1e-3), within_m)
