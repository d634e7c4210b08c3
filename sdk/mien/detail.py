"""Wrinkles on and off: a character's displacement maps, blended by the weights of a frame.

Under region weights w the skin's height is `static + W_c compressed + W_s stretched` (HiFace, Chai
et al. 2023, section 3.2), where W_c and W_s are the masks' mean of max(-w, 0) and max(w, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.budget import Budget
from mien.detail_entry import PARTS
from mien.detail_images import read_heights, read_masks
from mien.errors import InputError, PackageError
from mien.glb import read_atlas_places
from mien.package import CHARACTER, Package

__all__ = ["DetailMaps"]

Float32Array = NDArray[np.float32]
_MOST_BYTES = 1 << 30
"""Of decoded maps and masks: 36 regions at 1024 texels take a third of it."""


@dataclass(frozen=True, eq=False)
class DetailMaps:
    """Heights of one character's skin on their face atlas, metres outwards."""

    region_names: tuple[str, ...]
    masks: Float32Array
    """(R, S, S) share of each region, 0..1."""
    static: Float32Array
    """(S, S) at rest."""
    compressed: Float32Array
    """(S, S) what full compression adds."""
    stretched: Float32Array
    """(S, S) what full stretch adds."""
    intensity: float = 1.0
    """Factor of all heights that the character is meant to be shown with."""
    places: Float32Array | None = None
    """(V, 2) of the rig's vertices on the atlas, (0, 0) the upper left; None where not read."""

    @classmethod
    def of(cls, package: Package, size: int = 256) -> DetailMaps:
        """The largest maps in a package of at most `size` texels a side. Raises InputError for a
        character without detail, PackageError for broken images."""
        entry = package.manifest.detail
        if entry is None:
            raise InputError(f"character {package.manifest.name!r} has no skin detail")
        where = package.source.where
        heights = []
        smallest = entry.find(PARTS[0], "displacement", size).size
        if smallest > size:
            raise InputError(
                f"character {package.manifest.name!r} has no displacement of at most {size} "
                f"texels, the smallest has {smallest}"
            )
        # Decoded images, masks at the maps' size, and what resizing takes.
        need = 4 * smallest**2 * (3 * len(PARTS) + 2 * len(entry.regions))
        tiles = entry.masks.columns * entry.masks.rows * entry.masks.size**2
        budget = Budget(_MOST_BYTES, "bytes", where, PackageError)
        budget.spend(need + 12 * tiles * 4, f"{smallest} x {smallest} maps of skin detail")
        for part in PARTS:
            one = entry.find(part, "displacement", size)
            heights.append(read_heights(package.verified(one.file), one, f"{where}: {one.file}"))
        masks = read_masks(
            package.verified(entry.masks.file), entry.masks, len(entry.regions),
            f"{where}: {entry.masks.file}",
        )  # fmt: skip
        masks = np.ascontiguousarray([_resized(mask, len(heights[0])) for mask in masks])
        glb = package.verified(CHARACTER)
        try:
            places = read_atlas_places(glb, entry.texcoord)
        except InputError as error:
            raise PackageError(f"{where}: {CHARACTER}: {error}") from None
        return cls(
            entry.regions, masks, heights[0], heights[1], heights[2], entry.intensity, places
        )

    @property
    def size(self) -> int:
        """Side of the maps, texels."""
        return len(self.static)

    def displacement(self, weights: ArrayLike, intensity: float | None = None) -> Float32Array:
        """(S, S) metres under region weights (R,), as `Frame.detail` has them; intensity: in place
        of the character's own. Raises InputError for other shapes and values."""
        w = self._checked(weights)
        factor = np.float32(self.intensity if intensity is None else intensity)
        if not np.isfinite(factor):
            raise InputError(f"detail: intensity is {intensity}, expected a finite number")
        texel, masks, compressed, stretched = self._moving
        height = factor * self.static.ravel()
        both = np.stack([np.maximum(-w, 0), np.maximum(w, 0)]) @ masks
        height[texel] += factor * (both[0] * compressed + both[1] * stretched)
        return np.asarray(height.reshape(self.static.shape), np.float32)

    def shares(self, weights: ArrayLike) -> Float32Array:
        """(2, S, S) W_c and W_s, how far each texel is compressed and stretched, under region
        weights (R,). Raises InputError for other shapes and values."""
        w = self._checked(weights)
        both = np.stack([np.maximum(-w, 0), np.maximum(w, 0)])
        shares = both @ self.masks.reshape(len(self.masks), -1)
        return np.asarray(shares.reshape(2, self.size, self.size), np.float32)

    @cached_property
    def span_m(self) -> tuple[float, float]:
        """Metres that no height under weights from -1 to 1 is below, and above."""
        most = self.masks.sum(axis=0)  # of both shares together
        low = np.minimum(np.minimum(self.compressed, self.stretched), 0)
        high = np.maximum(np.maximum(self.compressed, self.stretched), 0)
        low, high = self.static + most * low, self.static + most * high
        return self.intensity * float(low.min()), self.intensity * float(high.max())

    def _checked(self, weights: ArrayLike) -> Float32Array:
        w = np.asarray(weights, np.float32)
        if w.shape != (len(self.region_names),) or not np.isfinite(w).all():
            raise InputError(
                f"detail: weights of shape {w.shape}, expected ({len(self.region_names)},), finite"
            )
        return w

    @cached_property
    def _moving(self) -> tuple[NDArray[np.int64], Float32Array, Float32Array, Float32Array]:
        """Texels (N,) at which weights change anything, masks (R, N) and both maps there."""
        compressed, stretched = self.compressed.ravel(), self.stretched.ravel()
        texel = np.flatnonzero((compressed != 0) | (stretched != 0))
        masks = np.ascontiguousarray(self.masks.reshape(len(self.masks), -1)[:, texel])
        return texel, masks, compressed[texel], stretched[texel]


def _resized(image: Float32Array, size: int) -> Float32Array:
    """Bilinear, texel centres at +0.5."""
    side = len(image)
    at = ((np.arange(size) + 0.5) * side / size - 0.5).clip(0, side - 1)
    low = np.floor(at).astype(int)
    high, share = np.minimum(low + 1, side - 1), (at - low).astype(np.float32)
    rows = image[low] * (1 - share)[:, None] + image[high] * share[:, None]
    return np.asarray(rows[:, low] * (1 - share) + rows[:, high] * share, np.float32)
