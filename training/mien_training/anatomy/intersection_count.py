"""How often a rig runs through itself, shape by shape, beside its template."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_training.anatomy.jaw_and_teeth import RigidMouth
from mien_training.geometry.self_intersection import self_intersections
from mien_training.head import MATERIALS, Template

__all__ = ["IntersectionCount", "count_intersections"]

Float32Array = NDArray[np.float32]

_COUNTED = ("skin", "eye", "teeth")


@dataclass(frozen=True)
class IntersectionCount:
    """Pairs of triangles of skin, eyes and teeth that cut through each other in one pose.

    What every head has by design is left out, or an arch that a fit has torn apart would count for
    a better one: neighbouring teeth of one arch, where the arches bite into each other in the
    template's neutral, and the walls of the sockets in the eyeballs.
    """

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
    counted = np.isin(template.triangle_material, [MATERIALS.index(name) for name in _COUNTED])
    faces, material = template.triangles[counted], template.triangle_material[counted]
    arch, socket = _by_design(template, faces, material)
    eye, tooth = (material == MATERIALS.index(name) for name in ("eye", "teeth"))
    bite = self_intersections(template.vertices, faces)
    bite = bite[tooth[bite].all(1)] @ [len(faces), 1]

    def pairs(neutral: Float32Array, deltas: Float32Array, k: int) -> set[tuple[int, int]]:
        posed = neutral if k < 0 else neutral + deltas[k]
        found = self_intersections(posed, faces)
        i, j = found.T
        usual = (arch[i] > 0) & (arch[i] == arch[j])
        usual |= (eye[i] & socket[j]) | (eye[j] & socket[i])
        usual |= np.isin(found @ [len(faces), 1], bite)
        return {(int(a), int(b)) for a, b in found[~usual]}

    counts = {}
    for k, name in enumerate(("neutral", *template.shape_names), start=-1):
        usual = pairs(template.vertices, template.shape_deltas, k)
        old, new = pairs(*before, k), pairs(*after, k)
        counts[name] = IntersectionCount(
            len(usual), len(old), len(new), len(old - usual), len(new - usual)
        )
    return counts


def _by_design(
    template: Template, faces: NDArray[np.int32], material: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Of triangles (F, 3): (F,) 1 and 2 for the teeth on skull and jaw, 0 for all others; and (F,)
    skin that stands in the template's eyeballs, or shares a vertex with what does."""
    arch = np.zeros(len(faces), np.int64)
    mouth = RigidMouth.of(template)
    if mouth is not None:
        side = np.zeros(len(template.vertices), np.int64)
        side[mouth.inner] = np.where(mouth.on_jaw > 0.5, 2, 1)
        teeth = material == MATERIALS.index("teeth")
        arch[teeth] = side[faces[teeth, 0]]
    skin, eye = (material == MATERIALS.index(name) for name in ("skin", "eye"))
    both = self_intersections(template.vertices, faces[skin | eye])
    rows = np.flatnonzero(skin | eye)[both]
    cut = rows[eye[rows].any(1) & skin[rows].any(1)]
    inside = np.zeros(len(template.vertices), bool)
    inside[faces[np.unique(cut[skin[cut]])]] = True
    return arch, skin & inside[faces].any(1)
