"""The linear model fitted to landmarks that several cameras saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.capture.morphable.morphable_fit import FitConfig, MorphableFit, fit_model
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template

__all__ = ["fit_landmarks"]

_FEWEST = 12


def fit_landmarks(
    model: LinearHeads,
    template: Template,
    points: ArrayLike,
    world_from_head: NDArray[np.float64] | None = None,
    config: FitConfig | None = None,
) -> MorphableFit:
    """Pose and coefficients from the tracker's points (478, 3) in the world, metres, such as
    `triangulate` finds; NaN where there is none.

    Start: `world_from_head` (4, 4), or the mean head laid on the points. Raises InputError for
    other shapes, or fewer than 12 points of the template's.
    """
    at = np.asarray(points, np.float64)
    if at.shape != (len(template.landmarks.triangle), 3):
        raise InputError(
            f"fit_landmarks: points {at.shape}, expected ({len(template.landmarks.triangle)}, 3)"
        )
    seen = np.isfinite(at).all(1) & (template.landmarks.triangle >= 0)
    if seen.sum() < _FEWEST:
        raise InputError(f"fit_landmarks: {seen.sum()} points, expected at least {_FEWEST}")
    places = model.at(
        template.triangles, template.landmarks.triangle[seen], template.landmarks.barycentric[seen]
    )
    if world_from_head is None:
        start = fit_alignment(places[0], at[seen])
        world_from_head = np.eye(4)
        world_from_head[:3, :3], world_from_head[:3, 3] = start.rotation, start.translation
    return fit_model(
        model, places, np.broadcast_to(np.eye(3), (int(seen.sum()), 3, 3)), at[seen],
        np.ones(int(seen.sum())), world_from_head, config or FitConfig(),
    )  # fmt: skip
