"""The linear model fitted to dense correspondence maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.capture.localisation.head_pose import locate_head
from mien_training.capture.localisation.map_rays import MapRays
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.capture.morphable.morphable_fit import FitConfig, MorphableFit, fit_model
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template

__all__ = ["fit_maps"]

_LAYER_M = 0.01
"""Canonical places farther from the mean head's skin than this name no place on it, metres."""


def fit_maps(
    model: LinearHeads,
    template: Template,
    rays: MapRays,
    world_from_head: NDArray[np.float64] | None = None,
    config: FitConfig | None = None,
) -> MorphableFit:
    """Pose and coefficients that bring the skin's places onto the rays that show them.

    rays: `map_rays` of maps that name places on the template's mean head; start:
    `world_from_head` (4, 4), or `locate_head`. Raises InputError as that does.
    """
    pose = locate_head(rays).world_from_head if world_from_head is None else world_from_head
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    nearest = nearest_on_surface(template.vertices, skin, rays.canonical)
    places = model.at(skin, nearest.triangle, nearest.barycentric)
    certainty = rays.certainty / (1 + (nearest.distance / _LAYER_M) ** 2)
    return fit_model(
        model, places, rays.projectors, rays.origins, certainty, pose, config or FitConfig()
    )
