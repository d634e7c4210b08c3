"""Wrinkles as tangent-space normals, for hosts that take a normal map and have no shader to blend.

Slopes add up as heights do: with s = -n.xy / n.z of each map's normals n, those of the blend are
`static + W_c compressed + W_s stretched`, with the shares W of `mien.detail`. The shares' own
slope, at the soft borders of regions, is left out, as in the samples' shaders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.detail import DetailMaps
from mien.detail_entry import PARTS
from mien.detail_images import read_normals
from mien.errors import InputError
from mien.package import Package

__all__ = ["DetailNormals"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DetailNormals:
    """Slopes of one character's skin on their face atlas."""

    maps: DetailMaps
    """Whose regions, masks and intensity they share."""
    slopes: Float32Array
    """(3, 2, S, S) along tangent and bitangent: at rest, what full compression and what full
    stretch add."""

    @classmethod
    def of(cls, package: Package, maps: DetailMaps) -> DetailNormals:
        """Those of a package, at the size of its `maps`. Raises InputError where it has no normal
        maps of that size, PackageError for broken images."""
        entry = package.manifest.detail
        if entry is None:
            raise InputError(f"character {package.manifest.name!r} has no skin detail")
        slopes = []
        for part in PARTS:
            one = entry.find(part, "normal", maps.size)
            if one.size != maps.size:
                raise InputError(
                    f"character {package.manifest.name!r} has no normal map of {part!r} of "
                    f"{maps.size} texels"
                )
            where = f"{package.source.where}: {one.file}"
            normals = read_normals(package.verified(one.file), one, where)
            x, y, z = np.moveaxis(normals, -1, 0)
            slopes.append(np.ascontiguousarray([-x / z, -y / z]))
        return cls(maps, np.stack(slopes))

    def codes(self, weights: ArrayLike) -> NDArray[np.uint8]:
        """(S, S, 3) normals under region weights (R,) at the character's intensity: components are
        code / 127.5 - 1, green up. Raises InputError for other shapes and values."""
        compressed, stretched = self.maps.shares(weights)
        at_rest, pressed, pulled = self.slopes
        x, y = np.float32(self.maps.intensity) * (
            at_rest + compressed * pressed + stretched * pulled
        )
        z = 1 / np.sqrt(1 + x * x + y * y)
        codes = np.empty((self.maps.size, self.maps.size, 3), np.uint8)
        for axis, component in enumerate((-x * z, -y * z, z)):
            codes[..., axis] = np.rint(np.float32(127.5) * (component + 1))
        return codes
