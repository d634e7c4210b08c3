"""Parts of the skin by which captured heads are judged and trained."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.geometry.laplacian import dilated
from mien_training.head import MATERIALS, Template
from mien_training.templates.regions import face_region, scalp_share

__all__ = ["SKIN_REGIONS", "skin_regions"]

BoolArray = NDArray[np.bool_]

SKIN_REGIONS = ("face", "lips", "lids", "ears", "scalp", "neck")
_GROWN_RINGS = 2


def skin_regions(template: Template) -> dict[str, BoolArray]:
    """SKIN_REGIONS -> (V,) vertices of skin; no two overlap, but that lips and lids are parts of
    the face wherever it holds them.

    The face is `face_region`. Some skin is in none: the forehead, the sides of the head before
    the ears, under the chin, inside the nostrils. Raises InputError for a template without
    landmarks of the face, or without a pair of eyeballs.
    """
    skin = np.zeros(len(template.vertices), np.bool_)
    skin[template.triangles[template.triangle_material == MATERIALS.index("skin")]] = True
    face = face_region(template) & skin
    hair, ears = scalp_share(template, template.vertices)
    # What sticks out is found by width: the ear's root, inwards of that, is an ear's too.
    ears = dilated(ears, template.triangles, _GROWN_RINGS) & skin & ~face
    lips, lids = (template.regions[name] & skin for name in ("lips", "lids"))
    parts = face | lips | lids | ears
    scalp = (hair > 0.5) & ~parts
    neck = template.regions["neck"] & skin & ~parts & ~scalp
    return {
        "face": face, "lips": lips, "lids": lids, "ears": ears, "scalp": scalp, "neck": neck,
    }  # fmt: skip
