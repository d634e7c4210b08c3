"""Pictures of captures for the guide: views, expressions, and one that went wrong.

python tests/benchmarks/capture_pictures.py [--net NET] [--only views people failure]

Synthetic people and rigs that no training has seen. Writes docs/figures/capture_*.jpg, and what
they show to docs/results/capture_pictures.json and .md.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from capture_rows import judged
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.moment_result import MomentResult
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.report.moment_tiles import MomentTiles, front_camera, sheet_of
from mien_training.metrics.tables import markdown_table, write_results
from mien_training.synthetic.capture.faces import FaceSpec
from mien_training.synthetic.capture.moments import CaptureMoment, draw_moment
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureSpec
from mien_training.templates import load_template

FIGURES = RESULTS.parent / "figures"
VIEWS = CaptureSpec(
    rig=RigSpec(views=(8, 8), long_side=720), person=PeopleSpec(texture_side=1024)
).held_out()
BARE = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
PEOPLE = replace(
    VIEWS, wear=BARE, moments_per_person=5, face=FaceSpec(most_shapes=5, expressions=1.0)
)
FEW = CaptureSpec(rig=RigSpec(views=(2, 2), long_side=256)).held_out()
SIDE, TRIED = 208, 16


def views(predictor: NetPredictor, tiles: MomentTiles) -> list[dict[str, Any]]:
    """Every view of one moment, and the mesh over it."""
    moment = draw_moment(VIEWS, predictor.template, 4001)
    found = _captured(predictor, moment)
    rows = tiles.row(moment.images, moment.cameras, found.vertices, found.world_from_head)
    _write("capture_views", sheet_of(rows, [f"camera {c}" for c in range(len(rows))], 8))
    return [_figures("views", predictor, moment, found)]


def people(predictor: NetPredictor, tiles: MomentTiles) -> list[dict[str, Any]]:
    """Two people in five expressions: picture and captured mesh over it, captured mesh, truth."""
    columns, names, told = [], [], []
    alone = MomentTiles(predictor.template, tiles.side, show_pictures=False)
    for person in (0, 1):
        for n in range(PEOPLE.moments_per_person):
            moment = draw_moment(PEOPLE, predictor.template, 4000 + 5 * person + n)
            found = _captured(predictor, moment)
            columns.append(_beside_truth(tiles, alone, moment, found))
            told.append(_figures(f"person {person + 1}, {n + 1}", predictor, moment, found))
            names.append(f"{told[-1]['median']:.2f} mm")
    _write("capture_people", sheet_of(columns, names, 5))
    return told


def failure(predictor: NetPredictor, tiles: MomentTiles) -> list[dict[str, Any]]:
    """Of moments before two cameras, the one whose face is farthest from the truth."""
    told = []
    for n in range(TRIED):
        moment = draw_moment(FEW, predictor.template, 4100 + n)
        found = _captured(predictor, moment)
        told.append((_figures("worst of two cameras", predictor, moment, found), moment, found))
    figures, moment, found = max(told, key=lambda one: one[0]["median"])
    rows = tiles.row(moment.images, moment.cameras, found.vertices, found.world_from_head)
    true = tiles.row(moment.images, moment.cameras, moment.vertices, found.world_from_head)
    names = ["captured", "captured", "truth", "truth"]
    _write("capture_failure", sheet_of([*rows, *true], names, 4))
    return [figures]


def _captured(predictor: NetPredictor, moment: CaptureMoment) -> MomentResult:
    return predictor.predict(moment.images, moment.believed, None)


def _beside_truth(
    tiles: MomentTiles, alone: MomentTiles, moment: CaptureMoment, found: MomentResult
) -> NDArray[np.uint8]:
    c = front_camera(moment.cameras, moment.world_from_head)
    own, camera = moment.images[c : c + 1], moment.cameras[c : c + 1]
    (picture,) = tiles.row(own, camera, found.vertices, found.world_from_head)
    (mesh,) = alone.row(own, camera, found.vertices, found.world_from_head)
    (true,) = alone.row(own, camera, moment.vertices, found.world_from_head)
    return np.concatenate([picture, mesh, true])


def _figures(
    name: str, predictor: NetPredictor, moment: CaptureMoment, found: MomentResult
) -> dict[str, Any]:
    face = judged(found.vertices, predictor.template, moment, predictor.template)["face"]
    return {
        "picture": name, "views": len(moment.cameras), "median": face["median"],
        "p95": face["p95"], "vertex": face["vertex"], "failure": found.failure,
    }  # fmt: skip


def _write(name: str, sheet: NDArray[np.uint8]) -> None:
    Image.fromarray(sheet).save(FIGURES / f"{name}.jpg", quality=88)


def page(record: dict[str, Any]) -> str:
    columns = ("picture", "views", "median", "p95", "vertex", "failure")
    rows = [
        [r["picture"], r["views"], *(f"{r[k]:.2f}" for k in ("median", "p95", "vertex")),
         r["failure"]]
        for r in record["shown"]
    ]  # fmt: skip
    return "\n\n".join([
        "# What the pictures of captures show",
        "Distance of the face's true vertices from the surface that was captured: median and 95th "
        "percentile of a moment; mean distance of corresponding vertices; millimetres. Views: 8 "
        "of 720 pixels, polished; the failure is the worst of "
        f"{TRIED} moments before two cameras of 256 pixels.",
        "![Eight views of a moment, below each with the captured mesh over it]"
        "(../figures/capture_views.jpg)",
        "![Two people in five expressions: picture, captured mesh over it, captured mesh, truth]"
        "(../figures/capture_people.jpg)",
        "![The worst: two views, captured, and the truth](../figures/capture_failure.jpg)",
        markdown_table(columns, rows),
        f"`{record['command']}`",
    ]) + "\n"  # fmt: skip


PAGES = {"capture_pictures": page}
DRAWN = {"views": views, "people": people, "failure": failure}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--only", nargs="+", choices=list(DRAWN), default=list(DRAWN))
    options = parser.parse_args()
    torch.set_num_threads(1)
    template = load_template("anny")
    net = CaptureNet.read(options.net, template)
    tiles = MomentTiles(template, SIDE)
    polished, plain = NetPredictor(net, PolishConfig()), NetPredictor(net)
    shown: list[dict[str, Any]] = []
    for name in options.only:
        shown += DRAWN[name](plain if name == "failure" else polished, tiles)
    if options.only == list(DRAWN):
        record = {"net": net.digest, "shown": shown}
        command = "python tests/benchmarks/capture_pictures.py"
        write_results(RESULTS, "capture_pictures", command, record, page)


if __name__ == "__main__" and not only_rendered(PAGES):
    main()
