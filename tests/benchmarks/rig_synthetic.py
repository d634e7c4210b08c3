"""A person whose every number is known, recorded, and fitted: errors in mm, beside the stand-ins.

python tests/benchmarks/rig_synthetic.py TAKE.csv ICT_FOLDER [--seeds 1 2 3] [--only NAME ...]
    [--measure]

TAKE.csv: a Live Link Face recording, of which parts are performed. ICT_FOLDER: ICT-FaceKit's OBJ
files. Recordings and fits are kept in runs/rig_synthetic/, so that an interrupted call goes on; the
tables rig_synthetic, rig_ablations and rig_coverage in docs/results/ are written from what is
there. --measure: fit nothing, measure again what has been fitted.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from result_pages import only_rendered
from rival_antialiasing import PerTriangle
from synthetic_measures import Truth, measure, measure_surface, measure_touch
from synthetic_recording import RUNS, SyntheticRecording, parser_of, recorded
from synthetic_tables import PAGES, Results, write_tables
from torch import Tensor

from mien.clip import Clip
from mien_training.anatomy.finish import finish_rig
from mien_training.geometry.alignment import Align
from mien_training.geometry.deformation_transfer import transfer_shapes
from mien_training.head import Template
from mien_training.rendering import differentiable_head as head_image
from mien_training.rendering.visibility import RasterOut
from mien_training.rig.coverage.shape_coverage import apply_coverage, shape_coverage
from mien_training.rig.fit import RigFit, fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.personal_rig import ShapePrior
from mien_training.rig.model.weight_prior import WeightPriorConfig
from mien_training.rig.report.write_report import compared_region
from mien_training.runs.progress import Progress
from mien_training.templates import load_template

FULL = RigFitConfig(whole_head=True, pass_frames=400)


@dataclass(frozen=True)
class Case:
    """One row."""

    config: RigFitConfig = FULL
    cameras: int = 3
    template: str = "ict"
    per_triangle: bool = False
    """Outlines smoothed triangle by triangle."""


CASES = {
    "three views": Case(),
    "one view": Case(cameras=1),
    "three views, from anny": Case(template="anny"),
    "template's shapes kept": Case(
        replace(FULL, personal_shapes=False, neutral_rounds=11)  # as many in all
    ),
    "no semantic terms": Case(
        replace(
            FULL,
            shape_prior=ShapePrior(semantic_prior=False, evidence_weight=1.0, around_eyes=1.0),
            motion=replace(
                FULL.motion, weights=WeightPriorConfig(100.0, sides_sigma=100.0, opposed=0.0)
            ),
        )
    ),
    "neutral as split": Case(replace(FULL, rest_quantile=0.0)),
    "time offsets frozen": Case(replace(FULL, learn_time_offsets=False)),
    "no interior edges": Case(replace(FULL, smoothing="surface")),
    "raw vertices": Case(replace(FULL, smoothing="none")),
    "antialiasing per triangle": Case(per_triangle=True),
    "one view, shading left out": Case(
        replace(FULL, motion=replace(FULL.motion, shading=False)), cameras=1
    ),
    "one view, texture believed": Case(
        replace(FULL, motion=replace(FULL.motion, texture_held=float("inf"))), cameras=1
    ),
}


@contextmanager
def outlines(per_triangle: bool) -> Iterator[None]:
    """With `per_triangle` images are smoothed by the usual scheme, and surfaces carry colours."""
    usual = head_image.antialias, head_image.still
    schemes: dict[int, PerTriangle] = {}

    def smooth(image: Tensor, out: RasterOut, clip: Tensor, faces: Tensor, _: Any) -> Tensor:
        scheme = schemes.setdefault(id(faces), PerTriangle(faces))
        rows = []
        for b in range(len(image)):
            one = RasterOut(*(getattr(out, name)[b : b + 1] for name in out.__dataclass_fields__))
            rows.append(scheme(image[b : b + 1], one, clip[b : b + 1]))
        return torch.cat(rows)

    if per_triangle:
        head_image.antialias, head_image.still = smooth, lambda out: out
    try:
        yield
    finally:
        head_image.antialias, head_image.still = usual


def fit_case(name: str, seed: int, take: Clip, ict: str) -> dict[str, Any]:
    """One row of one seed."""
    case = CASES[name]
    template = load_template(ict)
    recording = recorded(template, take, case.cameras, seed)
    beginning = template if case.template == "ict" else load_template(case.template)
    begin, shown = time.perf_counter(), [""]
    resumed = path_of(name, seed, "pt").exists()

    def report(now: Progress) -> None:
        if now.stage != shown[0] or now.done % 100 == 0:
            shown[0], seconds = now.stage, time.perf_counter() - begin
            loss = now.figures.get("loss", float("nan"))
            print(f"    {now.stage} {now.done}/{now.total} {loss:.4f} {seconds:.0f} s")

    with outlines(case.per_triangle):
        config = replace(case.config, seed=seed)
        fit = fit_rig(beginning, recording.seen, config, path_of(name, seed, "pt"), report)
    seconds = None if resumed else time.perf_counter() - begin
    neutral, deltas = fit.model.rig.arrays()
    weights = fit.motion_at(recording.seen).weights.numpy()
    np.savez(path_of(name, seed, "npz"), neutral=neutral, deltas=deltas, weights=weights)
    return {
        "seconds": seconds,
        **of_recording(fit, recording),
        **of_rig(name, recording, beginning, seed),
    }


def of_recording(fit: RigFit, recording: SyntheticRecording) -> dict[str, Any]:
    """Figures of the recording's own."""
    rate = recording.footage.rate_hz
    best = min(fit.history, key=lambda h: h["held_out"])
    return {
        "held out photometric": best["photometric"],
        "held out silhouette": best["silhouette"],
        "offsets": (fit.model.time_offsets.offsets_s.detach().numpy() * rate).tolist(),
        "offsets truth": [t.offset_s * rate for t in recording.footage.truth],
    }


def of_rig(
    name: str, recording: SyntheticRecording, beginning: Template, seed: int
) -> dict[str, Any]:
    """Against the truth, and the stand-ins beside it."""
    case, truth, template = CASES[name], recording.truth, recording.person.template
    align: Align = "rigid" if case.cameras > 1 else "similarity"
    with np.load(path_of(name, seed, "npz")) as kept:
        neutral, deltas, weights = kept["neutral"], kept["deltas"], kept["weights"]
    touch = measure_touch(beginning, neutral, deltas)
    if case.template != "ict":
        return {**measure_surface(truth, beginning, neutral, align), **touch}
    row = {**measure(truth, neutral, deltas, weights, align), **touch}
    if name in ("three views", "one view"):
        plain = template.shape_deltas
        moved = transfer_shapes(template.vertices, plain, template.triangles, neutral)
        row["(i)"] = measure(truth, neutral, plain, weights, align)
        row["(ii)"] = measure(truth, neutral, moved, weights, align)
        row["mean face"] = measure(truth, template.vertices, plain, 0 * weights, align)
        row["half"] = measure(truth, neutral, (deltas + moved) / 2, weights, align)
        row["delivered"] = delivered(truth, neutral, deltas, plain, weights, align)
        person = recording.person
        row["truth"] = measure_touch(template, person.neutral, person.deltas)
    return row


def delivered(
    truth: Truth, neutral: np.ndarray, deltas: np.ndarray, plain: np.ndarray, weights: np.ndarray,
    align: Align,
) -> dict[str, Any]:  # fmt: skip
    """As `mien train rig` leaves it: shapes by coverage, lids, eyes and teeth in order."""
    template = truth.person.template
    coverage = shape_coverage(template.shape_names, deltas, weights, compared_region(template))
    done = finish_rig(template, neutral, apply_coverage(plain, deltas, coverage), count=False)
    row = measure(truth, done.neutral, done.deltas, weights, align)
    row["verdicts"] = [c.verdict for c in coverage]
    row["evidence_weight"] = [c.evidence_weight for c in coverage]
    return {**row, **measure_touch(template, done.neutral, done.deltas)}


def measure_again(name: str, seed: int, take: Clip, ict: str) -> None:
    """Bring a kept row up to date; its fit is finished, and only read."""
    path = path_of(name, seed, "json")
    seconds = json.loads(path.read_text())["seconds"]
    path.write_text(json.dumps({**fit_case(name, seed, take, ict), "seconds": seconds}))


def path_of(name: str, seed: int, kind: str) -> Path:
    """Where a fit is kept."""
    plain = "".join(c if c.isalnum() else "_" for c in name)
    return RUNS / f"{plain}-{seed}.{kind}"


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    parser.add_argument("--measure", action="store_true")
    options = parser.parse_args()
    RUNS.mkdir(parents=True, exist_ok=True)
    take = Clip.read(options.take)
    for seed in options.seeds:
        for name in options.only:
            path = path_of(name, seed, "json")
            if path.exists():
                if options.measure:
                    measure_again(name, seed, take, options.ict)
                continue
            if options.measure:
                continue
            print(f"{name}, seed {seed}", flush=True)
            path.write_text(json.dumps(fit_case(name, seed, take, options.ict)))
            write_all(options.take, options.ict)
    write_all(options.take, options.ict)


def write_all(take: Path, ict: str) -> None:
    """Tables of every result that is there."""
    results: Results = {}
    for name in CASES:
        for seed in range(1, 10):
            path = path_of(name, seed, "json")
            if path.exists() and path.stat().st_size:
                results.setdefault(name, {})[str(seed)] = json.loads(path.read_text())
    command = f"python tests/benchmarks/rig_synthetic.py {take.name} ict_facekit/"
    write_tables(results, command, load_template(ict).shape_names)


if __name__ == "__main__":
    main()
