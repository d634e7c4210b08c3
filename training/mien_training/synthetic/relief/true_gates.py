"""How a synthetic person's skin answers to its tension, place by place.

Folds form where skin is pressed together, all the more the further, but less and less: a fold that
is there already takes up what comes. Judged vertex by vertex, in parts of what the person's own
strongest expressions do there; smooth over the skin, as folds are longer than a vertex.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from mien.deform import blend, tension
from mien.rig import Rig
from mien_training.head.strong_expressions import full_on

__all__ = ["TrueGates"]

Float32Array = NDArray[np.float32]
_LEAST = 0.015
_SMOOTHINGS = 6
_BEND = 1.5
"""How much sooner half of a fold's depth is there than half of the tension."""


@dataclass(frozen=True, eq=False)
class TrueGates:
    """Of one person's rig."""

    rig: Rig
    smooth: sparse.csr_array
    """(V, V) means over neighbours."""
    compressed: Float32Array
    """(V,) tension, below 0, that counts as full compression."""
    stretched: Float32Array
    """(V,) tension that counts as full stretch."""

    @classmethod
    def of(cls, rig: Rig) -> TrueGates:
        count = len(rig.vertices)
        corners = rig.welded[rig.triangles]
        pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
        links = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
        links.data[:] = 1.0
        links = links + sparse.diags_array(np.ones(count), format="csr")
        mean = sparse.csr_array(sparse.diags_array(1 / links.sum(1), format="csr") @ links)
        smooth = mean
        for _ in range(_SMOOTHINGS - 1):
            smooth = mean @ smooth
        plain = cls(rig, smooth, np.zeros(0, np.float32), np.zeros(0, np.float32))
        each = plain._tension(blend(rig, full_on(rig)))
        return cls(
            rig, smooth,
            np.minimum(smooth @ each.min(0), -_LEAST).astype(np.float32),
            np.maximum(smooth @ each.max(0), _LEAST).astype(np.float32),
        )  # fmt: skip

    def at(self, vertices: ArrayLike) -> tuple[Float32Array, Float32Array]:
        """Compression and stretch (T, V), 0..1, at vertices (T, V, 3)."""
        found = self._tension(vertices)
        return _bent(found / self.compressed), _bent(found / self.stretched)

    def _tension(self, vertices: ArrayLike) -> Float32Array:
        """(T, V), smoothed; vertices that a seam split have one value."""
        plain = tension(self.rig, vertices)
        return np.asarray((self.smooth @ plain.T).T[:, self.rig.welded], np.float32)


def _bent(share: Float32Array) -> Float32Array:
    x = share.clip(0, 1)
    return np.asarray((1 - np.exp(-_BEND * x)) / (1 - np.exp(-_BEND)), np.float32)
