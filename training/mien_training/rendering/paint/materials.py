"""Procedural textures for any template: skin of every tone, brows, lips, eyes, teeth, mouth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.rig import Material
from mien_training.head.template import MATERIALS, Template
from mien_training.rendering.bake import bake_texels
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.paint.features import (
    paint_eyes,
    paint_mouth,
    paint_teeth,
    paint_tongue,
)
from mien_training.rendering.paint.look import Look
from mien_training.rendering.paint.skin import paint_skin

__all__ = ["paint_materials"]

Float32Array = NDArray[np.float32]

ROUGHNESS = {"skin": 0.52, "eye": 0.18, "teeth": 0.28, "mouth": 0.40, "tongue": 0.42}
SHARE = {"skin": 1.0, "eye": 0.5, "teeth": 0.5, "mouth": 0.5, "tongue": 0.25}
"""Texture side of each material as a share of the skin's."""


def paint_materials(
    template: Template, vertices: Float32Array, look: Look | int, size: int = 1024,
    skin: NDArray[np.uint8] | None = None,
) -> tuple[Material, ...]:  # fmt: skip
    """One painted material per entry of MATERIALS, in that order, in the template's UVs.

    vertices: (V, 3) neutral of the person to paint, rig space, metres. `look`: a Look or a seed
    for a random one. `size`: side of the skin texture, texels; the others are a half or a quarter.
    `skin` (S, S, 3): the skin's texture, which is not painted then.
    Lips, brows and lids follow the template's landmarks where it has them, else its regions and
    the eyes' places. Raises InputError if the vertices do not fit the template.
    """
    if not isinstance(look, Look):
        look = Look.random(look)
    v = np.ascontiguousarray(vertices, np.float32)
    frame = FaceFrame.of(template, v)
    materials = []
    for index, name in enumerate(MATERIALS):
        if name == "skin" and skin is not None:
            materials.append(Material(name, skin, roughness=ROUGHNESS[name]))
            continue
        if not (template.triangle_material == index).any():
            materials.append(Material(name, roughness=ROUGHNESS[name]))
            continue
        texels = bake_texels(template, index, max(int(size * SHARE[name]), 16))
        points = texels.interpolate(v)
        if name == "skin":
            lips = template.regions.get("lips", np.zeros(len(v), np.bool_))
            colours = paint_skin(points, texels.interpolate(lips.astype(np.float32)), frame, look)
        elif name == "eye":
            colours = paint_eyes(points, frame, look)
        elif name == "teeth":
            colours = paint_teeth(points, look)
        elif name == "mouth":
            colours = paint_mouth(points, frame, look)
        else:
            colours = paint_tongue(points, frame, look)
        materials.append(Material(name, texels.image(colours), roughness=ROUGHNESS[name]))
    return tuple(materials)
