"""What each pixel shows, in the regions by which avatars are judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mien.errors import InputError
from mien_training.head import MATERIALS, Template

__all__ = ["REGIONS", "RegionMasks", "outline_band", "triangle_regions"]

BoolArray = NDArray[np.bool_]

REGIONS = ("skin", "features", "eyes", "mouth", "hair")
"""features: lips, lids and brows; mouth: all that is behind the lips; skin: the rest of it."""
_FEATURES = ("lips", "lids", "brows")


@dataclass(frozen=True, eq=False)
class RegionMasks:
    """Of T images."""

    region: NDArray[np.int8]
    """(T, H, W) index into REGIONS of what a pixel's centre shows; -1: nothing."""
    outline: BoolArray
    """(T, H, W) near the head's outline, on either side."""
    changed: BoolArray
    """(T, H, W) where wrinkles that come and go with the expression change the image."""

    def mask(self, name: str) -> BoolArray:
        """(T, H, W) pixels of one of REGIONS, `head` (all of them), `outline` or `changed`."""
        if name in ("outline", "changed"):
            return self.outline if name == "outline" else self.changed
        if name == "head":
            return np.asarray(self.region >= 0)
        if name not in REGIONS:
            known = ", ".join((*REGIONS, "head", "outline", "changed"))
            raise InputError(f"RegionMasks.mask: {name!r}, expected one of {known}")
        return np.asarray(self.region == REGIONS.index(name))


def triangle_regions(template: Template, hair_triangles: int) -> NDArray[np.int8]:
    """(F + hair_triangles + 1,) index into REGIONS of each triangle drawn; the last, -1, is for
    pixels that show none."""
    found = np.zeros(len(template.triangles), np.int8)
    for name in _FEATURES:
        member = template.regions.get(name)
        if member is not None:
            found[member[template.triangles].all(1)] = REGIONS.index("features")
    for material, region in {"eye": "eyes", "teeth": "mouth", "mouth": "mouth",
                             "tongue": "mouth"}.items():  # fmt: skip
        found[template.triangle_material == MATERIALS.index(material)] = REGIONS.index(region)
    hair = np.full(hair_triangles, REGIONS.index("hair"), np.int8)
    return np.concatenate([found, hair, np.array([-1], np.int8)])


def outline_band(alpha: NDArray[np.float32], width_px: int) -> BoolArray:
    """(H, W) pixels at most `width_px` from where coverage (H, W) passes a half."""
    inside = alpha > 0.5
    if inside.all() or not inside.any():
        return np.zeros_like(inside)
    outwards = ndimage.distance_transform_edt(~inside)
    inwards = ndimage.distance_transform_edt(inside)
    return np.asarray((outwards + inwards) <= width_px)
