"""Anchors in the air above the scalp: hair is not on the skin, and no mesh tells where it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.avatar.anchors import AnchorPoses, pose_anchors, raise_layers
from mien.errors import InputError
from mien_training.avatar.anchors.atlas import AnchorAtlas
from mien_training.templates.regions import scalp_share

__all__ = ["HairLayers"]

_HAIRY = 0.25
"""Least of `scalp_share` from which on there is hair."""


@dataclass(frozen=True, eq=False)
class HairLayers:
    """L copies of the scalp's M anchors, each a distance off."""

    chosen: NDArray[np.int64]
    """(M,) which of the atlas's anchors are lifted."""
    offsets_m: tuple[float, ...]
    """(L,) above the skin, metres."""

    @classmethod
    def of(
        cls,
        atlas: AnchorAtlas,
        size: int,
        offsets_m: tuple[float, ...] = (0.005, 0.015, 0.03, 0.05),
        beyond_m: float = 0.02,
    ) -> HairLayers:
        """Above the scalp and the skin up to `beyond_m` around it, over which hair falls, but for
        the ears. Raises InputError for a head without a scalp, and offsets that do not grow."""
        if not offsets_m or offsets_m[0] <= 0 or (np.diff(offsets_m) <= 0).any():
            raise InputError(f"HairLayers: offsets_m {offsets_m}, expected growing ones above 0")
        template, anchors = atlas.template, atlas.anchors(size)
        share, ears = scalp_share(template, template.vertices)
        scalp = template.vertices[share > _HAIRY]
        if not len(scalp):
            raise InputError(f"HairLayers: template {template.name!r} has no scalp")
        place = pose_anchors(anchors, template.vertices).positions
        near = cKDTree(scalp).query(place, distance_upper_bound=beyond_m + 1e-6)[0] <= beyond_m
        skin = atlas.group[anchors.triangle] == "skin"
        corners = anchors.corners
        on_skin = np.flatnonzero(near & skin)
        at_ear = ears[corners[on_skin]].any(1)
        return cls(on_skin[~at_ear], tuple(float(o) for o in offsets_m))

    def lift(self, poses: AnchorPoses) -> AnchorPoses:
        """(..., L M, ...) the layers' anchors, when the head's are at `poses`."""
        return raise_layers(poses, self.chosen, self.offsets_m)
