"""Teeth stay behind the lips: how far back a person's arches have to stand.

A similarity that fits an arch to where a fit left it says nothing of the lips in front; half a
millimetre too far forward puts hundreds of triangles through them.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien_training.geometry.alignment import Alignment
from mien_training.head import Template

__all__ = ["setback_m"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NEAR_M = 0.006
"""Lips so near a tooth of the template are held off the person's."""
_ASIDE_M = 0.0015
"""So far from the line along a tooth's normal the lip is still in front of that tooth."""
_MARGIN_M = 0.0003
"""Lips that the template holds farther off may come this near."""
_FORWARD = 0.5
"""Least cosine of a tooth's normal with the way forward: standing back does not clear cheeks."""
_TOUCHING = 0.05
"""Share of the places that may lie nearer: folds at the corners of the mouth."""
_MOST_M = 0.004


def setback_m(
    template: Template,
    arches: tuple[Mask, Mask],
    opened: Collection[int],
    place: Alignment,
    neutral: Float32Array,
    deltas: Float32Array,
) -> float:
    """How far a person's teeth, the template's moved by `place`, go back to clear the lips, metres.

    arches: (V,) teeth on the skull and on the jaw; opened: shapes that move the jaw, in which the
    lower arch is not looked at; neutral (V, 3), deltas (K, V, 3) of the person. In every shape the
    skin keeps the distance from the teeth that the template's has, or a margin. 0 for the template
    itself, and for teeth that have gone back already.
    """
    forward = place.rotation[:, 2]
    rest = template.vertices.astype(np.float64)
    skin = np.flatnonzero(template.regions["skin"])
    normals = vertex_normals(template.vertices, template.triangles).astype(np.float64)
    needed = []
    for arch, poses in (
        (arches[0], range(-1, len(deltas))),
        (arches[1], [k for k in range(-1, len(deltas)) if k not in opened]),
    ):
        teeth = np.flatnonzero(arch & (normals[:, 2] > 0))
        if not len(teeth):
            continue
        near = skin[cKDTree(rest[teeth]).query(rest[skin])[0] < 2 * _NEAR_M]
        tree = cKDTree(rest[teeth])
        for k in poses:
            usual = rest[near] + (template.shape_deltas[k, near] if k >= 0 else 0.0)
            apart, nearest = tree.query(usual, distance_upper_bound=_NEAR_M)
            close = np.isfinite(apart)
            at, tooth = near[close], teeth[np.asarray(nearest)[close]]
            away = usual[close] - rest[tooth]
            gap = (normals[tooth] * away).sum(1)
            aside = np.linalg.norm(away - gap[:, None] * normals[tooth], axis=1)
            own = neutral[at].astype(np.float64) + (deltas[k, at] if k >= 0 else 0.0)
            turned = normals[tooth] @ place.rotation.T
            there = (turned * (own - place.points(rest[tooth]))).sum(1)
            ahead = turned @ forward
            front = (gap > -_MARGIN_M) & (aside < _ASIDE_M) & (ahead > _FORWARD)
            short = np.minimum(place.scale * gap, _MARGIN_M) - there
            needed.append((short / np.maximum(ahead, _FORWARD))[front])
    every = np.concatenate([*needed, np.zeros(0)])
    if not len(every):
        return 0.0
    return float(np.clip(np.quantile(every, 1 - _TOUCHING), 0.0, _MOST_M))
