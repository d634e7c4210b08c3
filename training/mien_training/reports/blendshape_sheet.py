"""Every shape of a rig on one sheet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mien.rig import Material
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.ambient_occlusion import posed_ambient_occlusion
from mien_training.reports.head_stills import GROUND, INK, MUTED, clay_materials, face_camera, write

__all__ = ["blendshape_sheet"]

_CORRECTS = {"mouthClose": "jawOpen"}

_FINER = 2
"""Rendered so many times larger: the renderer shades surfaces that lie close together, as lips do,
once a pixel, and their seam would be a staircase."""


def blendshape_sheet(
    person: Template,
    materials: tuple[Material, ...] | None = None,
    dots: Mapping[str, tuple[int, int, int]] | None = None,
    columns: int = 8,
    side: int = 200,
) -> NDArray[np.uint8]:
    """(H, W, 3) the neutral, then every shape at weight 1, each face with its name below.

    Corrections are shown on top of what they correct (mouthClose on jawOpen). Grey clay without
    `materials`. `dots`: shapes that get a dot beside their name, and its sRGB colour.
    """
    rig, source = rig_from_template(person, person.name, None, materials or clay_materials(person))
    renderer = HeadRenderer(rig, samples=2)
    heads = np.concatenate([person.vertices[None], person.vertices + person.shape_deltas])
    index = {name: k for k, name in enumerate(person.shape_names)}
    labels = ["neutral", *person.shape_names]
    for name, base in _CORRECTS.items():
        if name in index and base in index:
            heads[index[name] + 1] += person.shape_deltas[index[base]]
            labels[index[name] + 1] = f"{name} + {base}"
    camera = face_camera(person, _FINER * side, heads=heads.astype(np.float32))
    dots = dots or {}
    label = round(0.15 * side)
    rows = -(-len(heads) // columns)
    gap = max(side // 40, 2)
    size = (columns * (side + gap) + gap, rows * (side + label + gap) + gap)
    sheet = Image.new("RGB", size, GROUND)
    draw = ImageDraw.Draw(sheet)
    for k, (label_text, name) in enumerate(zip(labels, ("", *person.shape_names), strict=True)):
        left, top = gap + k % columns * (side + gap), gap + k // columns * (side + label + gap)
        posed = heads[k][source].astype(np.float32)
        renderer.set_ambient_occlusion(
            posed_ambient_occlusion(rig, renderer.ambient_occlusion, posed)
        )
        fine = renderer.render(posed, camera, background=(44, 47, 54))
        image = Image.fromarray(fine).resize((side, side), Image.Resampling.BOX)
        sheet.paste(image, (left, top))
        text = 0.5 * label
        room = side - (1.2 * text if name in dots else 0.0)
        wide = ImageFont.load_default(size=text).getlength(label_text)
        middle = top + side + 0.5 * label
        fitting = text * min(1.0, room / wide)
        write(draw, (left + 2, middle), label_text, fitting, INK if k else MUTED, "lm")
        if name in dots:
            r = 0.19 * label
            x = left + side - r - 2
            draw.ellipse((x - r, middle - r, x + r, middle + r), fill=dots[name])
    return np.asarray(sheet)
