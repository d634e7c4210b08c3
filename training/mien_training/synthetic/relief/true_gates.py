"""How a synthetic person's skin answers to its tension, place by place.

Folds form where skin is pressed together, all the more the further, but less and less: a fold that
is there already takes up what comes. Smooth over the skin, as folds are longer than a vertex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.rig import Rig
from mien_training.anatomy.skin_gates import SkinGates

__all__ = ["TrueGates"]

Float32Array = NDArray[np.float32]
_SMOOTHINGS = 6
_BEND = 1.5
"""How much sooner half of a fold's depth is there than half of the tension."""


@dataclass(frozen=True, eq=False)
class TrueGates:
    """Of one person's rig."""

    linear: SkinGates

    @classmethod
    def of(cls, rig: Rig) -> TrueGates:
        return cls(SkinGates.of(rig, _SMOOTHINGS))

    def at(self, vertices: ArrayLike) -> tuple[Float32Array, Float32Array]:
        """Compression and stretch (T, V), 0..1, at vertices (T, V, 3)."""
        press, pull = self.linear.at(vertices)
        return _bent(press), _bent(pull)


def _bent(share: Float32Array) -> Float32Array:
    return np.asarray((1 - np.exp(-_BEND * share)) / (1 - np.exp(-_BEND)), np.float32)
