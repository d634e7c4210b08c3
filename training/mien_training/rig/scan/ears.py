"""Where a template's ears are, and how ears differ: too much for what pulls nearest points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.head import Template
from mien_training.rendering.noise import smoothstep

__all__ = ["ear_modes", "ear_rims"]

Float64Array = NDArray[np.float64]

_OUTERMOST = 0.9
"""Of a head above its joint, what is farther to the side than this share of its half width."""
_NEAR_M, _FAR_M = 0.008, 0.045
"""An ear ends that far from its rim, smoothly."""
_SHIFT_M, _STRETCH = 0.005, 0.2
"""One standard deviation of the place, and of the nine numbers of a linear map."""


def ear_rims(template: Template) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the outermost vertices of the left and of the right side of the head."""
    v = template.vertices
    head = next(j.position for j in template.joints if j.name == "head")
    side = template.regions["skin"] & (v[:, 1] > head[1])
    outer = side & (np.abs(v[:, 0]) > _OUTERMOST * np.abs(v[side, 0]).max(initial=0.0))
    return np.flatnonzero(outer & (v[:, 0] > 0)), np.flatnonzero(outer & (v[:, 0] < 0))


def ear_modes(template: Template) -> Float64Array:
    """(24, V, 3) one standard deviation each: three shifts and nine linear maps of each ear, fading
    into the head around it. Metres. None for a head without sides."""
    v = template.vertices.astype(np.float64)
    modes = []
    for rim in ear_rims(template):
        if not len(rim):
            continue
        distance = np.asarray(cKDTree(v[rim]).query(v)[0], np.float64)
        share = (1 - smoothstep(_NEAR_M, _FAR_M, distance)) * template.regions["skin"]
        middle = v[rim].mean(0)
        modes += [share[:, None] * _SHIFT_M * np.eye(3)[axis] for axis in range(3)]
        modes += [
            (share * _STRETCH * (v[:, of] - middle[of]))[:, None] * np.eye(3)[axis]
            for of in range(3)
            for axis in range(3)
        ]
    return np.array(modes).reshape(len(modes), *v.shape)
