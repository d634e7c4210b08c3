"""Tension of wrinkle regions: how far each is compressed or stretched of what the rig can do.

HiFace (Chai et al. 2023, section 3.2) blends by the tension of single vertices. Coarse meshes have
few vertices in a forehead, and rigs differ in how far their shapes compress it, some hardly at
all; so a region's mean counts, in parts of the most that the rig's own expressions reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.deform import blend, tension
from mien.errors import InputError
from mien.rig import Rig
from mien_training.detail.wrinkle_regions import region_masks
from mien_training.head.strong_expressions import full_on

__all__ = ["RegionTension"]

Float32Array = NDArray[np.float32]

_LEAST = 0.015
"""Regions that never reach this tension are taken to have it at most: noise makes no wrinkles."""
_MASK_SIDE = 128


@dataclass(frozen=True, eq=False)
class RegionTension:
    """Of one rig."""

    rig: Rig
    share: Float32Array
    """(R, V) of each vertex in its region's mean; rows sum to 1, or 0 for regions without skin."""
    compressed: Float32Array
    """(R,) tension, below 0, at which a region's weight is -1."""
    stretched: Float32Array
    """(R,) tension, above 0, at which it is +1."""

    @classmethod
    def of(cls, rig: Rig, places: Float32Array) -> RegionTension:
        """places (V, 2): of the rig's vertices on the atlas (`FaceAtlas.places`)."""
        if places.shape != (len(rig.vertices), 2):
            raise InputError(
                f"region tension: places {places.shape}, expected ({len(rig.vertices)}, 2)"
            )
        texel = (places * _MASK_SIDE).astype(int).clip(0, _MASK_SIDE - 1)
        share = region_masks(_MASK_SIDE)[:, texel[:, 1], texel[:, 0]]
        share = share * ((places > 0) & (places < 1)).all(1) * _areas(rig)
        total = share.sum(1, keepdims=True)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        most = np.full(len(share), _LEAST, np.float32)
        plain = cls(rig, share, -most, most)
        means = plain.means(blend(rig, full_on(rig)))
        return cls(rig, share, np.minimum(-most, means.min(0)), np.maximum(most, means.max(0)))

    def means(self, vertices: ArrayLike) -> Float32Array:
        """(T, R) mean tension of every region at vertices (T, V, 3)."""
        return np.asarray(tension(self.rig, vertices) @ self.share.T, np.float32)

    def weights(self, vertices: ArrayLike) -> Float32Array:
        """(T, R) at vertices (T, V, 3): -1 fully compressed, 0 as in the neutral, +1 stretched."""
        means = self.means(vertices)
        full = np.where(means < 0, -self.compressed, self.stretched)
        return np.asarray((means / full).clip(-1, 1), np.float32)


def _areas(rig: Rig) -> Float32Array:
    """(V,) a third of the areas of every vertex's triangles."""
    a, b, c = (rig.vertices[rig.triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    corners = rig.triangles.T.ravel()
    return np.bincount(corners, np.tile(area, 3), minlength=len(rig.vertices)).astype(np.float32)
