"""What a face does in one moment: a few shapes, or an expression; and how the head is turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.synthetic.repertoire import EXPRESSIONS, OPPOSED

__all__ = ["Face", "FaceSpec", "draw_face"]


@dataclass(frozen=True)
class FaceSpec:
    """How faces and head poses are drawn."""

    most_shapes: int = 5
    """Greatest number of shapes of a face that is no expression."""
    expressions: float = 0.4
    """Share of faces that are expressions of the repertoire."""
    angles_deg: tuple[float, float, float] = (20.0, 11.0, 7.0)
    """Standard deviation of the head's yaw, pitch and roll, degrees; clipped at 2.5 of them."""

    def __post_init__(self) -> None:
        if not 0 <= self.most_shapes <= len(ARKIT_CHANNELS):
            raise InputError(
                f"FaceSpec: most_shapes {self.most_shapes}, expected 0 to {len(ARKIT_CHANNELS)}"
            )
        if not 0 <= self.expressions <= 1:
            raise InputError(f"FaceSpec: expressions {self.expressions}, expected 0 to 1")
        if len(self.angles_deg) != 3 or not all(0 <= a <= 35 for a in self.angles_deg):
            raise InputError(f"FaceSpec: angles_deg {self.angles_deg}, expected three of 0 to 35")


@dataclass(frozen=True, eq=False)
class Face:
    """One moment."""

    weights: NDArray[np.float32]
    """(52,) in 0..1, ARKIT_CHANNELS order."""
    angles: NDArray[np.float64]
    """(3,) yaw, pitch and roll of the head, radians."""


def draw_face(spec: FaceSpec, seed: int) -> Face:
    """A function of spec and seed alone."""
    rng = np.random.default_rng((seed, 89))
    weights = np.zeros(len(ARKIT_CHANNELS), np.float32)
    if rng.random() < spec.expressions:
        ranges = EXPRESSIONS[sorted(EXPRESSIONS)[int(rng.integers(len(EXPRESSIONS)))]]
        for name, (low, high) in ranges.items():
            weights[ARKIT_CHANNELS.index(name)] = rng.uniform(low, high)
    else:
        count = int(rng.integers(spec.most_shapes + 1))
        chosen = rng.choice(len(weights), count, replace=False)
        weights[chosen] = rng.uniform(0.2, 1.0, count)
        for a, b in OPPOSED:
            i, j = ARKIT_CHANNELS.index(a), ARKIT_CHANNELS.index(b)
            weights[j if weights[i] >= weights[j] else i] = 0.0
    angles = np.radians(spec.angles_deg) * rng.standard_normal(3).clip(-2.5, 2.5)
    return Face(weights, angles)
