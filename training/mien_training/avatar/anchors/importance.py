"""How much of the atlas each part of a head gets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.head import MATERIALS, Template
from mien_training.rendering.noise import smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame

__all__ = ["GROUP_SHARES", "triangle_groups", "wanted_areas"]

Float64Array = NDArray[np.float64]

GROUP_SHARES = {
    "skin": 0.70, "leftEye": 0.055, "rightEye": 0.055, "teeth": 0.07, "mouth": 0.05,
    "tongue": 0.04, "mouthSheet": 0.03,
}  # fmt: skip
"""Regions of the atlas and their shares, before those that a head lacks are left out."""
_UNSEEN = 0.04
"""Of a triangle that no view sees, against its equals."""
_FLOOR = 0.55
"""Least area of a triangle that is seen, in the mean of its region's."""
_FACE, _NECK = 9.0, 0.35
"""Texels per area of the face and the neck, against the scalp's."""
_FINE = {"lips": 2.2, "lids": 2.2, "brows": 1.2, "iris": 2.0}
"""More for these regions."""


def triangle_groups(template: Template) -> NDArray[np.str_]:
    """(F,) name from GROUP_SHARES of the region that each triangle belongs to."""
    names = np.array(MATERIALS)[template.triangle_material].astype("<U10")
    centre = template.vertices[template.triangles][:, :, 0].mean(1)
    eye = names == "eye"
    # Left and right are the character's own: +X is left.
    names[eye] = np.where(centre[eye] > 0, "leftEye", "rightEye")
    return names


def wanted_areas(template: Template, seen: NDArray[np.bool_]) -> Float64Array:
    """(F,) share of the atlas that each triangle should get, summing to 1 with no sheet.

    seen (F,): what is never seen gets next to nothing, and no triangle that is seen gets much less
    than its equals: it should own a texel.
    """
    v = template.vertices
    corners = v[template.triangles].astype(np.float64)
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    factor = _attention(template)[template.triangles].mean(1)
    # A few neighbours' worth of softness at the border between seen and unseen.
    near = np.zeros(len(v), np.bool_)
    near[template.triangles[seen]] = True
    at_border = near[template.triangles].any(1) & ~seen
    wanted = area * factor * np.where(seen, 1.0, np.where(at_border, 0.5, _UNSEEN))
    groups = triangle_groups(template)
    present = [name for name in GROUP_SHARES if (groups == name).any()]
    total = sum(GROUP_SHARES[name] for name in present)
    for name in present:
        inside = groups == name
        visible = inside & seen
        if visible.any():
            floor = _FLOOR * wanted[visible].sum() / visible.sum()
            wanted[visible] = np.maximum(wanted[visible], floor)
        least = 1e-3 * wanted[inside].sum() / inside.sum()
        wanted[inside] = np.maximum(wanted[inside], max(least, 1e-12))
        wanted[inside] *= GROUP_SHARES[name] / total / wanted[inside].sum()
    return np.asarray(wanted)


def _attention(template: Template) -> Float64Array:
    """(V,) texels per area, the scalp's as unit: the face before all else, smoothly."""
    v = template.vertices
    factor = np.ones(len(v))
    skin = np.zeros(len(v), np.bool_)
    skin[template.triangles[template.triangle_material == 0]] = True
    frame = FaceFrame.of(template, v)
    q = frame.local(v).astype(np.float64)
    front = smoothstep(0.1, 0.75, (v[:, 2] - frame.skull_z) / np.float32(frame.unit))
    oval = np.sqrt((q[:, 0] / 1.15) ** 2 + ((q[:, 1] + 0.55) / 1.55) ** 2)
    face = front * smoothstep(1.35, 0.8, oval.astype(np.float32))
    factor += (_FACE - 1) * face * skin
    factor[template.regions.get("neck", np.zeros(len(v), np.bool_))] *= _NECK
    for name, more in _FINE.items():
        factor[template.regions.get(name, np.zeros(len(v), np.bool_))] *= more
    return np.asarray(factor)
