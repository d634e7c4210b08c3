"""Draws docs/figures/capture_factory.jpg, captured moments and labels, and times their making.

python tests/benchmarks/capture_factory.py [--moments 12] [--picture-only]

Writes docs/results/capture_factory.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien_training.cameras import project
from mien_training.head import Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering.scene.scene_mesh import PARTS
from mien_training.synthetic.capture import moments as making
from mien_training.synthetic.capture import people
from mien_training.synthetic.capture.moments import CaptureMoment, draw_moment
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import capture_person
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.scans import ScanSpec
from mien_training.synthetic.capture.spec import CaptureSpec
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs/figures"
VIEWS, SIDE = 8, 192
PEOPLE, SHOWN = 10, 5
STAGES = {
    "person: shape, lids": ((people, "off_basis_neutral"), (people, "fit_eyelids")),
    "person: paint": ((people, "paint_materials"),),
    "person: hair, beard": ((people, "draw_hair"),),
    "glasses, shoulders": ((making, "draw_clothes"),),
    "rig": ((making, "draw_rig"),),
    "expression, pose": ((making, "_posed"),),
    "labels of all views": ((making, "label_view"),),
    "images of all views": ((making, "_images"),),
    "scan": ((making, "simulate_scan"),),
}
"""What is timed, by the functions that do it."""


def tiles(moment: CaptureMoment, template: Template, view: int) -> list[NDArray[np.uint8]]:
    """One view: image, part, canonical coordinate, normal, visible vertices; squares of SIDE."""
    low, high = template.vertices.min(0), template.vertices.max(0)
    head = (moment.canonical[view] != 0).any(-1, keepdims=True)
    canonical = np.where(head, 255 * (moment.canonical[view] - low) / (high - low), 30)
    normals = np.where(head, 127.5 * (moment.normals[view] * (1, -1, -1) + 1), 30)
    colours = np.array(
        [(226, 178, 146), (240, 240, 255), (250, 250, 200), (120, 40, 60), (200, 80, 90),
         (90, 60, 40), (60, 160, 220), (110, 150, 90), (200, 200, 60), (30, 30, 30)], np.uint8
    )  # fmt: skip
    assert len(colours) == len(PARTS) + 1
    dotted = (moment.images[view] // 3).astype(np.uint8)
    pixels, _ = project(moment.cameras[view], moment.vertices)
    for seen, colour in ((False, (150, 50, 50)), (True, (120, 255, 120))):
        at = pixels[moment.visible[view] == seen]
        at = at[((at >= 0) & (at < dotted.shape[1::-1])).all(1)].astype(np.int64)
        dotted[at[:, 1], at[:, 0]] = colour
    found = [moment.images[view], colours[moment.part[view]], canonical, normals, dotted]
    return [square(tile) for tile in found]


def square(tile: NDArray[Any]) -> NDArray[np.uint8]:
    canvas = np.full((SIDE, SIDE, 3), 255, np.uint8)
    height, width = tile.shape[:2]
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    canvas[top : top + height, left : left + width] = np.asarray(tile).clip(0, 255).astype(np.uint8)
    return canvas


def scan_tile(moment: CaptureMoment, view: int) -> NDArray[np.uint8]:
    """The scan's points that face one camera, shaded by their normals."""
    camera = moment.cameras[view]
    scan = moment.scan
    assert scan is not None
    pixels, depth = project(camera, scan.points)
    facing = ((camera.centre - scan.points) * scan.normals).sum(1) > 0
    inside = facing & (pixels >= 0).all(1) & (pixels < (camera.width, camera.height)).all(1)
    order = np.flatnonzero(inside)[np.argsort(-depth[inside])]
    at = pixels[order].astype(np.int64)
    canvas = np.full((camera.height, camera.width, 3), 20, np.uint8)
    shade = 40 + 200 * np.abs(scan.normals[order] @ camera.camera_from_world[2, :3])
    for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):  # dots of four pixels
        row, column = at[:, 1] + down, at[:, 0] + right
        canvas[row.clip(max=camera.height - 1), column.clip(max=camera.width - 1)] = shade[
            :, None
        ].astype(np.uint8)
    return square(canvas)


def picture(template: Template) -> None:
    """A moment a row: five of its images, then labels of one view, and the scan."""
    spec = CaptureSpec(
        rig=RigSpec(views=(5, 16), long_side=SIDE),
        wear=WearSpec(glasses=0.4, beard=0.35),
        scan=ScanSpec(points=60_000),
        least_seen=0.9,
    )
    rows = []
    for seed in range(PEOPLE):
        moment = draw_moment(spec, template, seed)
        views = np.linspace(0, len(moment.cameras) - 1, SHOWN).round().astype(int)
        row = [square(moment.images[v]) for v in views]
        front = max(range(len(moment.cameras)), key=lambda v: moment.visible[v].sum())
        row += [*tiles(moment, template, front)[1:], scan_tile(moment, front)]
        rows.append(np.concatenate(row, 1))
    FIGURES.mkdir(exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(FIGURES / "capture_factory.jpg", quality=84)


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Processor time in ms of each of STAGES while it is open."""
    spent = dict.fromkeys(STAGES, 0.0)
    kept: list[tuple[Any, str, Callable[..., Any]]] = []

    def wrapped(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            begun = time.process_time()
            try:
                return function(*args, **options)
            finally:
                spent[stage] += 1e3 * (time.process_time() - begun)

        return call

    try:
        for stage, functions in STAGES.items():
            for module, name in functions:
                function = getattr(module, name)
                kept.append((module, name, function))
                setattr(module, name, wrapped(stage, function))
        yield spent
    finally:
        for module, name, function in kept:
            setattr(module, name, function)


def measure(template: Template, count: int) -> dict[str, Any]:
    spec = CaptureSpec(rig=RigSpec(views=(VIEWS, VIEWS), long_side=SIDE))
    cases = {}
    for name, case in (
        ("usual", spec),
        ("with a scan of 20,000 points", replace(spec, scan=ScanSpec())),
    ):
        draw_moment(case, template, 999)
        rows: list[dict[str, float]] = []
        for seed in range(count):
            capture_person.cache_clear()
            with timed() as spent:
                begun = time.process_time()
                draw_moment(case, template, seed)
                whole = 1e3 * (time.process_time() - begun)
            rows.append(spent | {"all": whole, "rest": whole - sum(spent.values())})
            print(name, seed, {k: round(v) for k, v in rows[-1].items()}, flush=True)
        cases[name] = rows
    return {"views": VIEWS, "side": SIDE, "cases": cases}


def page(record: dict[str, Any]) -> str:
    cases = record["cases"]
    count = len(next(iter(cases.values())))
    text = f"""# Cost of captured moments

Processor time, in milliseconds on one core, of one moment of a new person before {record["views"]}
cameras, with images of at most {record["side"]} pixels a side ({count} moments each, random in
everything else; the machine was in use by others). Mean over the moments; "median" of the whole.
The lids of active shapes are part of "expression, pose". "rest" is mostly loading textures and
meshes into the renderer, and the rays that tell which vertices each camera sees. A second moment of
the same person saves what is called "person". People with strands cost most: see the slowest.

![captured moments](../figures/capture_factory.jpg)

Ten moments of as many people, with more glasses and beards than usual: five of the images; then of
the view that sees most vertices what pixels show (skin, eyes, hair, glasses, clothes), canonical
coordinates as colours, normals in the camera's axes, vertices seen (green) and not (red), and a
scan by all cameras, shaded by its normals."""
    stages = [*STAGES, "rest", "all"]
    rows = [[s, *(mean(row[s] for row in rows) for rows in cases.values())] for s in stages]
    for name, choose in (("median of all", median), ("fastest", min), ("slowest", max)):
        rows.append([name, *(choose(row["all"] for row in case) for case in cases.values())])
    return results_page(text, ["stage", *cases], rows, record["command"])


PAGES = {"capture_factory": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=12)
    parser.add_argument("--picture-only", action="store_true")
    options = parser.parse_args()
    template = load_template("anny")
    picture(template)
    if not options.picture_only:
        command = f"python tests/benchmarks/capture_factory.py --moments {options.moments}"
        record = measure(template, options.moments)
        write_results(RESULTS, "capture_factory", command, record, page)


if __name__ == "__main__":
    main()
