"""Which blendshapes go together, before anything is seen of a performance.

One camera hardly tells shapes apart that move the same skin the opposite way, or one side from the
other at a distance. Faces do: nobody moves their jaw to both sides at once, and most expressions
are nearly symmetric (asymmetry of posed and of spontaneous ones: Ekman, Hager and Friesen 1981).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["WeightPrior", "WeightPriorConfig"]

Float64Array = NDArray[np.float64]

_OPPOSED = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"),
    *((f"eyeLookUp{s}", f"eyeLookDown{s}") for s in ("Left", "Right")),
    *((f"eyeLookIn{s}", f"eyeLookOut{s}") for s in ("Left", "Right")),
    *((f"eyeBlink{s}", f"eyeWide{s}") for s in ("Left", "Right")),
    *((f"mouthSmile{s}", f"mouthFrown{s}") for s in ("Left", "Right")),
    *((f"browDown{s}", f"browOuterUp{s}") for s in ("Left", "Right")),
)  # fmt: skip
"""What no face shows at once."""
_TOGETHER = (("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight"))
"""Eyes look the same way; all other pairs are the two sides of one name."""


@dataclass(frozen=True)
class WeightPriorConfig:
    """How surely weights go together."""

    size_sigma: float = 1.0
    """Spread of weights about 0."""
    sides_sigma: float = 2.0
    """Spread of the difference of left and right."""
    opposed: float = 30.0
    """Cost of the product of two opposed weights, in units of 1 / size_sigma^2."""

    def __post_init__(self) -> None:
        if not (self.size_sigma > 0 and self.sides_sigma > 0 and self.opposed >= 0):
            raise InputError(f"{self}: expected spreads above 0 and a cost of 0 or more")


@dataclass(frozen=True, eq=False)
class WeightPrior:
    """The prior's cost of weights w (K,) is w^T precision w / 2 + w^T opposed w / 2."""

    precision: Float64Array
    """(K, K) positive definite."""
    opposed: Float64Array
    """(K, K) symmetric, 0 but for opposed pairs; not definite."""

    @classmethod
    def of(cls, shape_names: Sequence[str], config: WeightPriorConfig) -> WeightPrior:
        """Of shapes by name; names that are not known stand for themselves."""
        index = {name: k for k, name in enumerate(shape_names)}
        size = 1 / config.size_sigma**2
        precision = size * np.eye(len(index))
        opposed = np.zeros_like(precision)
        for a, b in (*_TOGETHER, *_sides(shape_names)):
            if a in index and b in index:
                i, j = index[a], index[b]
                precision[[i, j], [i, j]] += 1 / config.sides_sigma**2
                precision[[i, j], [j, i]] -= 1 / config.sides_sigma**2
        for a, b in _OPPOSED:
            if a in index and b in index:
                opposed[[index[a], index[b]], [index[b], index[a]]] = config.opposed * size
        return cls(precision, opposed)

    def force(self, weights: Float64Array) -> Float64Array:
        """(N, K) where the prior pulls weights (N, K): minus the slope of its cost."""
        return np.asarray(-weights @ (self.precision + self.opposed))


def _sides(shape_names: Sequence[str]) -> list[tuple[str, str]]:
    """Left and right of one name, but for what looks or moves to a side."""
    lefts = (n for n in shape_names if n.endswith("Left") and n not in ("jawLeft", "mouthLeft"))
    level = ("eyeLookIn", "eyeLookOut")
    return [(n, n[:-4] + "Right") for n in lefts if not n.startswith(level)]
