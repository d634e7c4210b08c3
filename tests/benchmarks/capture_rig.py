"""Personal shapes from captures of this pipeline: people perform the script that ships.

python tests/benchmarks/capture_rig.py [--net NET] [--seeds 1 2 3] [--views 8] [--polish]

Strangers before a rig of their own, the 60 asked poses, each at 0.75 to 1.25 of what is asked with
four others leaking, as in rig_from_meshes. Meshes are kept in runs/capture_rig, by net. Writes
docs/results/capture_rig.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered
from rig_from_meshes import LEAK, LEAKING, errors

from mien.channels import ARKIT_CHANNELS
from mien.deform import vertex_normals
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.skin_regions import skin_regions
from mien_training.footage.captured import CapturedMeshes
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_motion import WeightBelief
from mien_training.rig.from_meshes.pose_script import directed_poses
from mien_training.rig.from_meshes.solve import fit_meshes
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.runs.content_key import topology_digest
from mien_training.synthetic.capture import CaptureSpec, draw_moment
from mien_training.synthetic.capture.faces import Face
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import capture_person
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import HELD_OUT, SeedRange
from mien_training.templates import load_template

KEPT = Path("runs/capture_rig")
BARE = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
TURN_RAD = (0.12, 0.08, 0.05)
COLUMNS = (
    "row", "people", "template", "found", "closer, %", "template, scaled", "found, scaled",
    "closer, %", "neutral, mm", "error of meshes, mm", "of that, the same in all",
    "face, changing: along normals", "across",
)  # fmt: skip
TEXT = """
# Personal shapes from captures

Strangers with nothing on perform the 60 poses that ship before {views} cameras (pictures of 256
pixels), are captured by the networks that come with mien, and a rig is solved from the meshes.
Errors of shapes in millimetres over the skin that truly moves, mean over shapes and people: the
template's, those found, as they are and after the best scale of each. Error of meshes: of the
skin's vertices, root mean square, and the part of it that is the same in all moments of a person,
which no shape suffers from; then what changes from moment to moment in the face, every head laid
over the true one. True meshes: what the solve makes of meshes without error.
"""


def asked_of(names: tuple[str, ...], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(60, K) weights that are asked for, and those that are performed."""
    rng = np.random.default_rng((seed, 1))
    asked = directed_poses().of_shapes(names)
    weights = asked * rng.uniform(0.75, 1.25, asked.shape)
    for row, wanted in zip(weights, asked, strict=True):
        others = rng.choice(np.flatnonzero(wanted == 0), LEAKING, replace=False)
        row[others] = np.abs(rng.normal(0, LEAK, LEAKING))
    return asked, weights.clip(0, 1)


def captured(net: CaptureNet, seed: int, views: int, polish: bool) -> dict[str, NDArray[Any]]:
    """Meshes that were found and true ones, and their poses, of person `seed`."""
    one, template = SeedRange(HELD_OUT.first + seed, 1), net.template
    spec = CaptureSpec(
        people=one, rigs=one, rig=RigSpec(views=(views, views), long_side=256), wear=BARE, samples=1
    )
    predictor = NetPredictor(net, PolishConfig() if polish else None)
    _, weights = asked_of(template.shape_names, seed)
    rng, moments = np.random.default_rng((seed, 2)), []
    known = {name: n for n, name in enumerate(template.shape_names)}
    for number, performed in enumerate(weights):
        kind = "polished" if polish else "refined"
        path = KEPT / net.digest[:12] / f"{views} {kind}" / f"{seed}_{number}.npz"
        angles = rng.normal(0, TURN_RAD)
        if not path.exists():
            shown = [performed[known[n]] if n in known else 0.0 for n in ARKIT_CHANNELS]
            face = Face(np.array(shown, np.float32), angles)
            moment = draw_moment(spec, template, 1000 * seed + number, face)
            found = predictor.predict(list(moment.images), moment.believed, None)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(path, {
                "found": found.vertices, "pose": found.world_from_head, "spread": found.spread_m,
                "confidence": found.confidence, "views": found.views, "truth": moment.vertices,
                "true_pose": moment.world_from_head, "failure": np.array(found.failure),
            })  # fmt: skip
            print(seed, number, found.failure, flush=True)
        moments.append(read_arrays(path))
    return {name: np.stack([m[name] for m in moments]) for name in moments[0]}


def without_error(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """As if every mesh had been found where it is."""
    sure = np.full(found["spread"].shape, 1e-4)
    return found | {"found": found["truth"], "pose": found["true_pose"], "spread": sure}


def meshes_of(net: CaptureNet, found: dict[str, NDArray[Any]]) -> CapturedMeshes:
    count = np.arange(len(found["found"]))
    return CapturedMeshes(
        net.template.name, topology_digest(net.template), count, count / 30,
        found["found"], found["pose"], found["confidence"].astype(np.float16), found["views"],
        found["spread"].astype(np.float16), tuple(str(reason) for reason in found["failure"]),
    )  # fmt: skip


def measure(net: CaptureNet, seed: int, views: int, polish: bool, true: bool) -> list[float]:
    template, found = net.template, captured(net, seed, views, polish)
    if true:
        found = without_error(found)
    person = capture_person(template, HELD_OUT.first + seed, CaptureSpec().person, BARE)
    truth = person.deltas(template.shape_names).astype(np.float64)
    neutral = person.neutral.astype(np.float64)
    config = MeshFitConfig()
    asked, _ = asked_of(template.shape_names, seed)
    belief = WeightBelief(asked, np.full(asked.shape, config.asked_spread))
    fit = fit_meshes(template, meshes_of(net, found), belief, config)
    skin = template.regions["skin"]
    move = fit_alignment(fit.neutral[skin], neutral[skin])
    plain, scaled = errors(template, move.vectors(fit.deltas), truth)
    usual, usual_scaled = errors(template, template.shape_deltas, truth)
    off = np.linalg.norm(move.points(fit.neutral[skin]) - neutral[skin], axis=1)
    turn = found["true_pose"][:, :3, :3]
    wrong = np.einsum("tvi,tij->tvj", found["found"] - found["truth"], turn)[:, skin]
    size, same = (1e3 * np.sqrt(np.square(e).sum(-1).mean()) for e in (wrong, wrong.mean(0)))
    along, across = changing(template, found)
    return [
        float(np.nanmean(usual)), float(np.nanmean(plain)), float(np.nanmean(usual_scaled)),
        float(np.nanmean(scaled)), 1e3 * float(off.mean()), float(size), float(same),
        along, across,
    ]  # fmt: skip


def changing(template: Template, found: dict[str, NDArray[Any]]) -> tuple[float, float]:
    """Errors of the face that change from moment to moment, along true normals and across them,
    root mean square, millimetres."""
    skin, face = template.regions["skin"], skin_regions(template)["face"]
    off, normals = [], []
    for mesh, truth, pose in zip(found["found"], found["truth"], found["true_pose"], strict=True):
        own = fit_alignment(mesh[skin], truth[skin]).points(mesh)[face] - truth[face]
        off.append(own @ pose[:3, :3])
        normals.append(vertex_normals(truth, template.triangles)[face] @ pose[:3, :3])
    apart = off - np.mean(off, 0)
    along = (apart * normals).sum(2)
    across = np.square(apart).sum(2) - along**2
    return 1e3 * float(np.sqrt((along**2).mean())), 1e3 * float(np.sqrt(across.mean()))


def page(record: dict[str, Any]) -> str:
    rows = []
    for name, people in record["results"].items():
        usual, plain, usual_scaled, scaled, *rest = np.mean(list(people.values()), 0)
        numbers = [usual, plain, 100 * (1 - plain / usual), usual_scaled, scaled,
                   100 * (1 - scaled / usual_scaled), *rest]  # fmt: skip
        rows.append([name, len(people), *(f"{v:.2f}" for v in numbers)])
    return results_page(TEXT.format(views=record["views"]), COLUMNS, rows, record["command"])


PAGES = {"capture_rig": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--views", type=int, default=8)
    parser.add_argument("--polish", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = CaptureNet.read(options.net, load_template("anny"))
    results: dict[str, dict[str, list[float]]] = {}
    for name, polish, true in (
        ("captures", False, False), ("captures, polished", True, False),
        ("true meshes", False, True),
    ):  # fmt: skip
        if polish and not options.polish:
            continue
        for seed in options.seeds:
            found = measure(net, seed, options.views, polish, true)
            print(name, seed, np.round(found, 3), flush=True)
            results.setdefault(name, {})[str(seed)] = found
    record = {"net": net.digest, "views": options.views, "results": results}
    seeds = " ".join(map(str, options.seeds))
    command = f"python tests/benchmarks/capture_rig.py --seeds {seeds}"
    command += " --polish" * options.polish
    write_results(RESULTS, "capture_rig", command, record, page)


if __name__ == "__main__":
    main()
