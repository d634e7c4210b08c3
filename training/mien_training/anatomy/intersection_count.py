"""How often a rig runs through itself, shape by shape, beside its template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_training.geometry.self_intersection import self_intersections
from mien_training.head import MATERIALS, Template

__all__ = ["IntersectionCount", "count_intersections"]

Float32Array = NDArray[np.float32]

_COUNTED = ("skin", "eye", "teeth")


@dataclass(frozen=True)
class IntersectionCount:
    """Pairs of triangles of skin, eyes and teeth that cut through each other in one pose."""

    template: int
    """In the template's own pose: some lie in each other by design."""
    before: int
    after: int
    new_before: int
    """Those of `before` that the template does not have."""
    new_after: int


def count_intersections(
    template: Template,
    before: tuple[Float32Array, Float32Array],
    after: tuple[Float32Array, Float32Array],
) -> dict[str, IntersectionCount]:
    """Counts for "neutral" and for every shape at weight 1.

    `before` and `after`: neutral (V, 3) and shapes (K, V, 3) of two rigs, metres.
    """
    counted = [MATERIALS.index(name) for name in _COUNTED]
    faces = template.triangles[np.isin(template.triangle_material, counted)]

    def pairs(neutral: Float32Array, deltas: Float32Array, k: int) -> set[tuple[int, int]]:
        posed = neutral if k < 0 else neutral + deltas[k]
        return {(int(i), int(j)) for i, j in self_intersections(posed, faces)}

    counts = {}
    for k, name in enumerate(("neutral", *template.shape_names), start=-1):
        usual = pairs(template.vertices, template.shape_deltas, k)
        old, new = pairs(*before, k), pairs(*after, k)
        counts[name] = IntersectionCount(
            len(usual), len(old), len(new), len(old - usual), len(new - usual)
        )
    return counts
