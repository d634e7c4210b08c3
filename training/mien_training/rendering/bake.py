"""Baking: which point of the mesh every texel of a texture shows."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from mien.errors import InputError
from mien_training.head.template import Template
from mien_training.rendering.visibility import rasterize

__all__ = ["TexelMap", "bake_texels", "dilate"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TexelMap:
    """The N texels of a texture that lie on the mesh."""

    size: int
    """Side of the square texture, texels."""
    texel: NDArray[np.int64]
    """(N,) index into the flattened texture, row 0 at v = 0."""
    corners: NDArray[np.int32]
    """(N, 3) vertices of the triangle that the texel lies on."""
    bary: Float32Array
    """(N, 3) its weights there."""

    def interpolate(self, attributes: NDArray[np.float32]) -> Float32Array:
        """(V,) or (V, C) vertex attributes -> (N,) or (N, C)."""
        weights = self.bary if attributes.ndim == 1 else self.bary[..., None]
        return np.asarray((attributes[self.corners] * weights).sum(1), np.float32)

    def image(self, colours: Float32Array) -> NDArray[np.uint8]:
        """(N, 3) colours in 0..1 -> (size, size, 3) 8-bit texture, gaps filled from the nearest."""
        flat = np.zeros((self.size * self.size, 3), np.uint8)
        flat[self.texel] = np.rint(colours.clip(0.0, 1.0) * 255.0).astype(np.uint8)
        covered = np.zeros(self.size * self.size, np.bool_)
        covered[self.texel] = True
        shape = (self.size, self.size)
        return dilate(flat.reshape(*shape, 3), covered.reshape(shape))


def dilate(image: NDArray[np.uint8], covered: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Copy the nearest covered texel into every gap: filtering then never sees a chart's border."""
    if covered.all() or not covered.any():
        return image
    rows, columns = ndimage.distance_transform_edt(
        ~covered, return_distances=False, return_indices=True
    )
    return np.asarray(image[rows, columns])


_LARGEST_KEPT = 512
_KEPT: WeakKeyDictionary[Template, dict[tuple[int, int], TexelMap]] = WeakKeyDictionary()


def bake_texels(template: Template, material: int, size: int) -> TexelMap:
    """Rasterise the triangles of one material with their UVs as screen positions.

    Maps of up to 512 texels a side are kept as long as the template lives: people are painted by
    the thousand.
    """
    if size < 4:
        raise InputError(f"bake_texels: texture size {size}, expected at least 4")
    kept = _KEPT.setdefault(template, {})
    if (material, size) not in kept:
        made = _bake(template, material, size)
        if size > _LARGEST_KEPT:
            return made
        kept[material, size] = made
    return kept[material, size]


def _bake(template: Template, material: int, size: int) -> TexelMap:
    chosen = template.triangle_material == material
    uv_faces = torch.from_numpy(np.ascontiguousarray(template.uv_triangles[chosen]))
    # Shared UVs (left eye = right eye) overlap; a constant depth lets the lower id win.
    clip = np.zeros((1, len(template.uvs), 4), np.float32)
    clip[0, :, :2] = 2.0 * template.uvs - 1.0
    clip[0, :, 3] = 1.0
    seen = rasterize(torch.from_numpy(clip), uv_faces, (size, size))
    ids = seen.tri_id[0].reshape(-1).numpy()
    texel = np.flatnonzero(ids >= 0)
    corners = template.triangles[chosen][ids[texel]]
    bary = seen.bary[0].reshape(-1, 3).numpy()[texel]
    return TexelMap(size, texel, corners, bary.astype(np.float32))
