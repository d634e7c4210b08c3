"""Tension of wrinkle regions: the compact form of `SkinGates`, without a tension pass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien.rig import Rig
from mien_training.anatomy.skin_gates import SkinGates
from mien_training.detail.wrinkle_regions import MASK_SIDE, region_masks
from mien_training.rendering.bake import TexelMap

__all__ = ["RegionTension", "gate_images"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class RegionTension:
    """Of one rig."""

    gates: SkinGates
    share: Float32Array
    """(R, V) of each vertex in its region's mean; rows sum to 1, or 0 for regions without skin."""

    @classmethod
    def of(cls, rig: Rig, places: Float32Array) -> RegionTension:
        """places (V, 2): of the rig's vertices on the atlas (`FaceAtlas.places`)."""
        if places.shape != (len(rig.vertices), 2):
            raise InputError(
                f"region tension: places {places.shape}, expected ({len(rig.vertices)}, 2)"
            )
        texel = (places * MASK_SIDE).astype(int).clip(0, MASK_SIDE - 1)
        share = region_masks(MASK_SIDE)[:, texel[:, 1], texel[:, 0]]
        share = share * ((places > 0) & (places < 1)).all(1) * _areas(rig)
        total = share.sum(1, keepdims=True)
        return cls(
            SkinGates.of(rig), np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        )

    def weights(self, vertices: ArrayLike) -> Float32Array:
        """(T, R) at vertices (T, V, 3): -1 fully compressed, 0 as in the neutral, +1 stretched."""
        press, pull = self.gates.at(vertices)
        return np.asarray((pull - press) @ self.share.T, np.float32)


def gate_images(
    gates: SkinGates, vertices: ArrayLike, texels: TexelMap, first: NDArray[np.integer]
) -> tuple[Float32Array, Float32Array]:
    """Compression and stretch (T, S, S) on the atlas at vertices (T, V, 3) of the rig; first: one
    of the rig's vertices for each of the template's."""
    images = []
    for gate in gates.at(vertices):
        image = np.zeros((len(gate), texels.size**2), np.float32)
        image[:, texels.texel] = texels.interpolate(gate[:, first].T).T
        images.append(image.reshape(len(gate), texels.size, texels.size))
    return images[0], images[1]


def _areas(rig: Rig) -> Float32Array:
    """(V,) a third of the areas of every vertex's triangles."""
    a, b, c = (rig.vertices[rig.triangles[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    corners = rig.triangles.T.ravel()
    return np.bincount(corners, np.tile(area, 3), minlength=len(rig.vertices)).astype(np.float32)
