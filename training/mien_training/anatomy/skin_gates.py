"""How far skin is pressed together and pulled apart, vertex by vertex, of what its rig can do.

HiFace (Chai et al. 2023, section 3.2) blends wrinkle maps by the tension of vertices. Rigs differ
in how much their shapes compress a forehead, some hardly at all, so tension counts in parts of the
most that the rig's own strong expressions reach there. Meshes are coarse where skin is smooth:
tension is averaged over neighbours first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from mien.deform import blend, tension
from mien.rig import Rig
from mien_training.head.strong_expressions import full_on

__all__ = ["SkinGates"]

Float32Array = NDArray[np.float32]
_LEAST = 0.015
"""Skin that never reaches this tension is taken to have it at most: noise makes no wrinkles."""


@dataclass(frozen=True, eq=False)
class SkinGates:
    """Of one rig."""

    rig: Rig
    smooth: sparse.csr_array
    """(V, V) means over neighbours."""
    compressed: Float32Array
    """(V,) tension, below 0, that counts as full compression."""
    stretched: Float32Array
    """(V,) tension that counts as full stretch."""

    @classmethod
    def of(cls, rig: Rig, smoothings: int = 4) -> SkinGates:
        """smoothings: how often every vertex is averaged with its neighbours."""
        count = len(rig.vertices)
        corners = rig.welded[rig.triangles]
        pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
        i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
        links = sparse.coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
        links.data[:] = 1.0
        links = links + sparse.diags_array(np.ones(count), format="csr")
        mean = sparse.csr_array(sparse.diags_array(1 / links.sum(1), format="csr") @ links)
        smooth = mean
        for _ in range(smoothings - 1):
            smooth = mean @ smooth
        plain = cls(rig, smooth, np.zeros(0, np.float32), np.zeros(0, np.float32))
        each = plain._tension(blend(rig, full_on(rig)))
        return cls(
            rig, smooth,
            np.minimum(smooth @ each.min(0), -_LEAST).astype(np.float32)[rig.welded],
            np.maximum(smooth @ each.max(0), _LEAST).astype(np.float32)[rig.welded],
        )  # fmt: skip

    def at(self, vertices: ArrayLike) -> tuple[Float32Array, Float32Array]:
        """Compression and stretch (T, V), 0..1, at vertices (T, V, 3); at most one is not 0."""
        found = self._tension(vertices)
        press, pull = (found / self.compressed).clip(0, 1), (found / self.stretched).clip(0, 1)
        return np.asarray(press, np.float32), np.asarray(pull, np.float32)

    def _tension(self, vertices: ArrayLike) -> Float32Array:
        """(T, V), smoothed; vertices that a seam split have one value."""
        plain = tension(self.rig, vertices)
        return np.asarray((self.smooth @ plain.T).T[:, self.rig.welded], np.float32)
