"""Heights on the face atlas as the renderer's kernels read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
import warp as wp
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.rendering import raster_kernels as kernels
from mien_training.rendering.relief.face_atlas import on_atlas
from mien_training.rendering.relief.relief_normals import atlas_gradients, cavity, height_slopes

__all__ = ["DrawnRelief", "no_relief"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DrawnRelief:
    """Heights of the skin of one mesh, to be drawn by `HeadRenderer`."""

    places: Float32Array
    """(V, 2) of the mesh's vertices on the atlas (`FaceAtlas.places`)."""
    triangles: NDArray[np.int64]
    """(F, 3) that lie on the atlas."""
    texels: Float32Array
    """(N, 3) all levels: slopes along u and v, share of the sky."""
    sides: tuple[int, ...]

    @classmethod
    def of(
        cls, places: Float32Array, triangles: NDArray[np.int32], height: Float32Array
    ) -> DrawnRelief:
        """height (S, S), metres outwards, S a multiple of 8; triangles (F, 3): the mesh's."""
        side = height.shape[0]
        if height.shape != (side, side) or side < 16 or side % 8:
            raise InputError(f"relief: heights {height.shape}, expected (S, S), S a multiple of 8")
        levels = torch.from_numpy(np.ascontiguousarray(height, np.float32))
        kept = torch.cat([height_slopes(levels), cavity(levels)[None]])
        parts, sides = [], []
        while True:
            parts.append(kept.permute(1, 2, 0).reshape(-1, 3).numpy())
            sides.append(kept.shape[-1])
            if sides[-1] < 16:
                break
            kept = F.avg_pool2d(kept[None], 2)[0]
        corners = places[triangles]
        inside = on_atlas(corners)
        return cls(
            np.ascontiguousarray(places, np.float32), triangles[inside].astype(np.int64),
            np.ascontiguousarray(np.concatenate(parts), np.float32), tuple(sides),
        )  # fmt: skip

    def struct(self, vertices: Float32Array, more: int = 0) -> kernels.Relief:
        """For the head's posed vertices (V, 3); `more`: vertices of other meshes after them."""
        with torch.no_grad():
            gradients = atlas_gradients(
                torch.from_numpy(vertices)[None], torch.from_numpy(self.triangles),
                torch.from_numpy(self.places),
            )[0]  # fmt: skip
        starts = np.cumsum([0, *[s * s for s in self.sides[:-1]]])
        table = [(int(a), s, s) for a, s in zip(starts, self.sides, strict=True)]
        return _struct(
            0, np.pad(self.places, ((0, more), (0, 0))),
            np.pad(gradients.reshape(-1, 3).numpy(), ((0, 2 * more), (0, 0))), self.texels, table,
        )  # fmt: skip


@cache
def no_relief() -> kernels.Relief:
    """Smooth skin; the same for all renderers."""
    zero = np.zeros((1, 3), np.float32)
    return _struct(-1, zero[:, :2], zero, zero, [(0, 1, 1)])


def _struct(
    material: int, places: Float32Array, gradients: Float32Array, texels: Float32Array,
    mips: list[tuple[int, int, int]],
) -> kernels.Relief:  # fmt: skip
    relief = kernels.Relief()
    with wp.ScopedDevice("cpu"):
        relief.material = material
        relief.places = wp.array(places, dtype=wp.vec2)
        relief.gradients = wp.array(gradients, dtype=wp.vec3)
        relief.texels = wp.array(texels, dtype=wp.vec3)
        relief.mips = wp.array(mips, dtype=wp.vec3i)
    return relief
