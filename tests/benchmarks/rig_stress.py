"""The hardest footage whose truth is known: how many frames does a fit lose?

python tests/benchmarks/rig_stress.py TAKE.csv ICT_FOLDER [--seeds 1 2 3] [--rates 25 30 60]
    [--label NAME]

One camera films a synthetic person with strand hair (see stress_recording.py). Fits are kept in
runs/rig_stress/, so that an interrupted call goes on; docs/results/rig_stress is written from what
is there. --label: under which name the figures of this version of the fit are kept; results of
other versions stay in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from result_pages import RESULTS, only_rendered
from scipy.spatial.transform import Rotation
from stress_recording import StressRecording, record_stress

from mien.clip import Clip
from mien_training.footage.observations import observe
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

RUNS = Path(__file__).parents[2] / "runs" / "rig_stress"
LOST_MM, LOST_RAD = 4.0, 0.15

TEXT = """# Frames that a fit loses

One camera films synthetic people with strand hair: the widest mouth, the fastest mouth and blink
and the strongest brows of a real take, while the head turns to 35 degrees and nods twice a second;
shutter open for half of a frame's time, sensor noise, H.264 at the rate of a phone's video; in two
frames the tracker is made to jump away. Mean over seeds, worst: of all seeds.

face: error of the posed face in the head's own space, mean over vertices, mm, after one similarity
for the whole recording (one camera cannot tell sizes). tilt: mean rotation between found and true
head in the head's own axes, by which the found neutral looks up or down, degrees; head: what is
left of the angle between them in each frame (not kept apart for the rows before). lost: frames
whose face is more than 4 mm off, or whose head is more than 0.15 rad (8.6 degrees) off. still face:
the true neutral, never moving. before: revision 903fdbd, on the same images and points. seconds:
one thread, beside other work that was not the same for all rows."""
COLUMNS = [
    "fit", "seeds", "frames", "lost", "face, median", "p95", "worst", "tilt", "head, median", "p95",
    "worst", "still face, median", "p95", "seconds",
]  # fmt: skip


def fit_one(template: Template, scene: StressRecording, seed: int) -> dict[str, Any]:
    """Figures of one recording."""
    seen = observe([scene.recording])
    begin = time.perf_counter()
    fit = fit_rig(template, seen, RigFitConfig(seed=seed))
    seconds = time.perf_counter() - begin
    motion = fit.motion_at(seen)
    neutral, deltas = fit.model.rig.arrays()
    rows = seen.frame.numpy()
    face = face_region(template)
    person = scene.person
    move = fit_alignment(neutral[face], person.neutral[face], "similarity")
    turned = np.stack([move.vectors(d) for d in deltas[:, face]])
    found = move.points(neutral[face]) + np.tensordot(motion.weights.numpy(), turned, 1)
    change = np.tensordot(scene.weights[rows], person.deltas[:, face], 1)
    apart = 1000 * np.linalg.norm(found - person.neutral[face] - change, axis=2).mean(1)
    still = 1000 * np.linalg.norm(change, axis=2).mean(1)
    true = Rotation.from_matrix(scene.world_from_head[rows, :3, :3])
    difference = true.inv() * Rotation.from_rotvec(motion.rotation.double().numpy())
    tilt = difference.mean()
    head = (tilt.inv() * difference).magnitude()
    return {
        "seconds": seconds, "face_mm": apart.tolist(), "head_rad": head.tolist(),
        "tilt_rad": float(tilt.magnitude()),
        "still_mm": still.tolist(), "frame": rows.tolist(), "jumps": scene.jumps,
    }  # fmt: skip


def write_table(command: str) -> None:
    """From every result that is there; rows of versions that are not are taken over."""
    kept = RESULTS / "rig_stress.json"
    results: dict[str, dict[str, Any]] = {}
    if kept.exists():
        results = json.loads(kept.read_text())["results"]
    for path in sorted(RUNS.glob("*.json")):
        label, seed, rate = path.stem.rsplit("_", 2)
        results.setdefault(f"{label}, {rate} Hz", {})[seed] = json.loads(path.read_text())
    write_results(RESULTS, "rig_stress", command, {"results": results}, page)


def page(record: dict[str, Any]) -> str:
    rows = []
    for name, runs in record["results"].items():
        face, head, still = (
            [np.array(r[key]) for r in runs.values()] for key in ("face_mm", "head_rad", "still_mm")
        )
        pairs = zip(face, head, strict=True)
        lost = sum(int(((f > LOST_MM) | (h > LOST_RAD)).sum()) for f, h in pairs)
        rows.append([
            name, " ".join(runs), sum(len(f) for f in face), lost, *spread(face),
            *_head(runs, head), *spread(still)[:2],
            float(np.mean([r["seconds"] for r in runs.values()])),
        ])  # fmt: skip
    return results_page(TEXT, COLUMNS, rows, record["command"])


PAGES = {"rig_stress": page}


def _head(runs: dict[str, Any], head: list[np.ndarray]) -> list[float | None]:
    """Tilt, and the spread of what is left; rows from before tilts were told apart have none."""
    tilts = [r.get("tilt_rad") for r in runs.values()]
    if None in tilts:
        return [None] * 4
    return [float(np.degrees(np.mean(tilts))), *spread([np.degrees(h) for h in head])]


def spread(values: list[np.ndarray]) -> list[float]:
    """Mean over seeds of median and p95, and the worst of all."""
    return [
        float(np.mean([np.median(v) for v in values])),
        float(np.mean([np.quantile(v, 0.95) for v in values])),
        float(max(v.max() for v in values)),
    ]


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("take", type=Path)
    parser.add_argument("ict")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--rates", type=float, nargs="*", default=[25.0, 30.0, 60.0])
    parser.add_argument("--label", default="this version")
    options = parser.parse_args()
    RUNS.mkdir(parents=True, exist_ok=True)
    take, template = Clip.read(options.take), load_template(options.ict)
    command = f"python tests/benchmarks/rig_stress.py {options.take.name} ict_facekit/"
    for seed in options.seeds:
        for rate in options.rates:
            path = RUNS / f"{options.label}_{seed}_{rate:g}.json"
            if not path.exists():
                scene = record_stress(template, take, seed, rate, RUNS / "films")
                row = fit_one(template, scene, seed)
                path.write_text(json.dumps(row))
                face = np.array(row["face_mm"])
                print(
                    f"seed {seed}, {rate:g} Hz: median {np.median(face):.2f}, p95 "
                    f"{np.quantile(face, 0.95):.2f}, worst {face.max():.2f} mm, head worst "
                    f"{np.degrees(max(row['head_rad'])):.1f} deg, {row['seconds']:.0f} s",
                    flush=True,
                )
            write_table(command)


if __name__ == "__main__":
    main()
