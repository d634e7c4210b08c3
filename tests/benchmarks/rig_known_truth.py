"""A person whose every number is known, filmed, and fitted: errors in mm, beside the stand-ins.

python tests/benchmarks/rig_known_truth.py TAKE.csv ICT_FOLDER [--seeds 3] [--only NAME ...]

TAKE.csv: a Live Link Face recording, of which parts are performed. ICT_FOLDER: ICT-FaceKit's OBJ
files. Every fit is kept in runs/rig_known_truth/, so that an interrupted call goes on; the tables
docs/results/rig_known_truth.{json,md} are written from what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien_training.geometry.self_intersection import self_intersections
from mien_training.rig.alignment import Alignment, fit_alignment
from mien_training.rig.deformation_transfer import transfer_shapes
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.known_truth import KnownPerson, record_views, with_head_motion
from mien_training.rig.measures import (
    energy_outside_support,
    per_shape_error_mm,
    point_to_surface_mm,
    shape_cosine,
    vertex_errors_mm,
)
from mien_training.rig.observations import observe
from mien_training.rig.personal_rig import ShapePrior
from mien_training.rig.regions import face_region, support_masks
from mien_training.templates import load_template

RESULTS = Path(__file__).parents[2] / "docs" / "results"
RUNS = Path(__file__).parents[2] / "runs" / "rig_known_truth"
SIZE = 224
OFFSETS = (0.0, 0.37, -0.61)
FULL = RigFitConfig(whole_head=True)
NO_MEANING = replace(
    FULL,
    shape_prior=ShapePrior(meaning=False, trust=1.0),
    motion=replace(FULL.motion, weight_sigma=100.0),
)

CASES: dict[str, tuple[int, str, RigFitConfig]] = {
    "three views": (3, "ict", FULL),
    "one view": (1, "ict", FULL),
    "three views, from anny": (3, "anny", FULL),
    "template's shapes kept": (3, "ict", replace(FULL, personal_shapes=False)),
    "raw vertices": (3, "ict", replace(FULL, smoothing="none")),
    "no ties": (3, "ict", replace(FULL, smoothing="surface")),
    "no semantic terms": (3, "ict", NO_MEANING),
    "clocks frozen": (3, "ict", replace(FULL, learn_clocks=False)),
}
"""Cameras, template, configuration."""


def parts_of(take: Clip, seconds: float = 1.1, count: int = 9, fade_s: float = 0.2) -> Clip:
    """Short parts that together show most of every channel, joined by cross-fades, at 60 Hz.

    Chosen greedily by what they add to the sum of all channels' peaks.
    """
    rate = 60.0
    names = [n for n in ARKIT_CHANNELS if n != "tongueOut"]
    clip = take.select(names)
    t = clip.times_s - clip.times_s[0]
    starts = np.arange(0, t[-1] - seconds, 0.25)
    peaks = np.array([clip.values[(t >= s) & (t < s + seconds)].max(0) for s in starts])
    top, chosen = np.zeros(len(names)), []
    for _ in range(count):
        best = int(np.maximum(peaks, top).sum(1).argmax())
        chosen.append(float(starts[best]))
        top = np.maximum(top, peaks[best])
    length, fade = int(seconds * rate), int(fade_s * rate)
    ramp = np.linspace(0, 1, fade)[:, None]
    rows: list[np.ndarray] = []
    for start in sorted(chosen):
        at = start + np.arange(length) / rate
        part = np.stack([np.interp(at, t, column) for column in clip.values.T], 1)
        if rows:
            rows[-1][-fade:] = rows[-1][-fade:] * (1 - ramp) + part[:fade] * ramp
            part = part[fade:]
        rows.append(part)
    values = np.concatenate(rows).astype(np.float32)
    return Clip(names=tuple(names), times_s=np.arange(len(values)) / rate, values=values)


def measure(
    person: KnownPerson, neutral: np.ndarray, deltas: np.ndarray, kind: str, mask: np.ndarray
) -> dict[str, Any]:
    """Against the truth, after the alignment that the cameras leave open."""
    template = person.template
    skin = template.regions["skin"]
    move: Alignment = fit_alignment(neutral, person.neutral, kind, mask)
    turned = np.stack([move.vectors(d) for d in deltas])
    errors = vertex_errors_mm(neutral, person.neutral, mask, kind)
    return {
        "neutral median": float(np.median(errors)),
        "neutral p90": float(np.quantile(errors, 0.9)),
        "per shape": per_shape_error_mm(turned, person.deltas, skin).tolist(),
        "cosine": shape_cosine(turned, person.deltas, skin).tolist(),
        "outside": energy_outside_support(
            turned[:, skin], support_masks(template)[:, skin]
        ).tolist(),
    }


def crossings(person: KnownPerson, neutral: np.ndarray, deltas: np.ndarray) -> int:
    """Self-intersecting pairs of the skin, summed over shapes, beyond the template's own."""
    t = person.template
    faces = t.triangles[t.regions["skin"][t.triangles].all(1)]
    total = 0
    for mine, theirs in zip(deltas, t.shape_deltas, strict=True):
        now = len(self_intersections(neutral + mine, faces))
        total += max(now - len(self_intersections(t.vertices + theirs, faces)), 0)
    return total


def fit_case(name: str, seed: int, take: Clip, ict: str) -> dict[str, Any]:
    """One row of one seed."""
    cameras, start, config = CASES[name]
    template = load_template(ict)
    person = KnownPerson.make(template, seed)
    clip = with_head_motion(parts_of(take), seed)
    footage = record_views(person, clip, cameras, offsets_frames=OFFSETS, size=SIZE, seed=seed)
    seen = observe(footage.views)
    begin = time.perf_counter()
    beginning = template if start == "ict" else load_template(start)
    shown = [""]

    def progress(stage: str, step: int, steps: int, loss: float) -> None:
        if stage != shown[0] or step % 100 == 0:
            shown[0] = stage
            print(
                f"    {stage} {step}/{steps} {loss:.4f} {time.perf_counter() - begin:.0f} s",
                flush=True,
            )

    path = RUNS / f"{name.replace(' ', '_').replace(',', '')}-{seed}.pt"
    fit = fit_rig(beginning, seen, replace(config, seed=seed), path, progress)
    neutral, deltas = fit.model.rig.arrays()
    last = fit.history[-1]
    row: dict[str, Any] = {
        "seconds": time.perf_counter() - begin,
        "held out photometric": min(h["photometric"] for h in fit.history),
        "held out silhouette": last["silhouette"],
        "offsets": (fit.model.clocks.offsets_s.detach().numpy() * footage.rate_hz).tolist(),
        "offsets truth": [t.offset_s * footage.rate_hz for t in footage.truth],
    }
    kind = "rigid" if cameras > 1 else "similarity"
    mask = face_region(template)
    if start != "ict":
        skin = beginning.triangles[beginning.triangle_material == 0]
        errors = point_to_surface_mm(person.neutral[mask], neutral, skin, kind)
        return {
            **row,
            "surface median": float(np.median(errors)),
            "surface p90": float(np.quantile(errors, 0.9)),
        }
    row |= measure(person, neutral, deltas, kind, mask)
    row["crossings"] = crossings(person, neutral, deltas)
    if name in ("three views", "one view"):
        row["(i)"] = measure(person, neutral, template.shape_deltas, kind, mask)
        moved = transfer_shapes(
            template.vertices, template.shape_deltas, template.triangles, neutral
        )
        row["(ii)"] = measure(person, neutral, moved, kind, mask)
        row["mean face"] = measure(person, template.vertices, template.shape_deltas, kind, mask)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path)
    parser.add_argument("ict")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(CASES))
    options = parser.parse_args()
    RUNS.mkdir(parents=True, exist_ok=True)
    take = Clip.read(options.take)
    for seed in range(1, options.seeds + 1):
        for name in options.only:
            path = RUNS / f"{name.replace(' ', '_').replace(',', '')}-{seed}.json"
            if path.exists():
                continue
            print(f"{name}, seed {seed}", flush=True)
            path.write_text(json.dumps(fit_case(name, seed, take, options.ict)))
            write_tables(options)
    write_tables(options)


def write_tables(options: argparse.Namespace) -> None:
    """From every result that is there."""
    results: dict[str, dict[str, Any]] = {}
    for name in CASES:
        for seed in range(1, options.seeds + 1):
            path = RUNS / f"{name.replace(' ', '_').replace(',', '')}-{seed}.json"
            if path.exists():
                results.setdefault(name, {})[str(seed)] = json.loads(path.read_text())
    rows = []
    for name, seeds in results.items():
        runs = list(seeds.values())
        rows.append(table_row(name, runs))
        for stand_in in ("(i)", "(ii)", "mean face"):
            if stand_in in runs[0]:
                rows.append(table_row(f"{name}: {stand_in}", [r[stand_in] for r in runs]))
    columns = ["fit", "seeds", *COLUMNS]
    text = HEAD + "\n".join(
        "| " + " | ".join(line) + " |" for line in [columns, ["---"] * len(columns), *rows]
    )
    command = (
        f"python tests/benchmarks/rig_known_truth.py {options.take.name} ict_facekit/ "
        f"--seeds {options.seeds}"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "rig_known_truth.md").write_text(text + f"\n\n`{command}`\n")
    record = {
        "command": command,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {p: version(p) for p in ("mien", "torch", "numpy", "warp-lang")},
        "shape_names": list(load_template(options.ict).shape_names),
        "results": results,
    }
    (RESULTS / "rig_known_truth.json").write_text(json.dumps(record, indent=1) + "\n")


COLUMNS = {
    "neutral, median mm": lambda r: r.get("neutral median", r.get("surface median")),
    "p90": lambda r: r.get("neutral p90", r.get("surface p90")),
    "per shape, mm": lambda r: np.nanmean(r["per shape"]) if "per shape" in r else None,
    "cosine": lambda r: np.nanmean(r["cosine"]) if "cosine" in r else None,
    "outside, %": lambda r: 100 * np.nanmean(r["outside"]) if "outside" in r else None,
    "crossings": lambda r: r.get("crossings"),
    "photometric": lambda r: r.get("held out photometric"),
    "clock error, frames": lambda r: (
        np.abs(np.subtract(r["offsets"], r["offsets truth"]))[1:].mean()
        if len(r.get("offsets", ())) > 1
        else None
    ),
    "seconds": lambda r: r.get("seconds"),
}
HEAD = """# A known person from film

A person the template has never seen (an identity sample with a smooth displacement of 1 mm that its
identities cannot express, and shapes changed by smooth seeded fields) performs parts of a real
take, filmed at 30 Hz by one camera or by three unsynchronised ones. Errors in mm after a rigid
alignment (one view: a similarity, since one camera cannot tell a small head from a far one).
neutral: vertices of the face region (from anny: point to surface). per shape: mean over the skin
that truly moves, at weight 1. outside: energy of shapes outside the template's support. crossings:
new self-intersecting pairs, all shapes. (i) the template's shapes on the fitted neutral; (ii)
deformation transfer of them. Mean over seeds.

"""


def table_row(name: str, runs: list[dict[str, Any]]) -> list[str]:
    cells = []
    for pick in COLUMNS.values():
        values = [v for v in (pick(r) for r in runs) if v is not None]
        cells.append(f"{np.mean(values):.3g}" if values else "")
    return [name, str(len(runs)), *cells]


if __name__ == "__main__":
    main()
