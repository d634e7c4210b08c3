"""The animator against the obvious alternatives, on faces, lights and cameras it never saw.

Usage: python tests/benchmarks/animator_ablation.py TAKE.csv [--seeds 3] [--frames 8000]
       [--cache DIR] [--out docs/results]
       python tests/benchmarks/animator_ablation.py --render     the page anew, from its record

Trains on generated performances only. Tests: rows of the real take TAKE.csv performed by the
character, and random sparse faces; each by the character and by other identities. The last row
shows the limit: the same network with other rows of the same take among its training data. Writes
animator_ablation.json and .md. Recordings are kept in the cache folder, so a second call resumes.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from mien.channels import ARKIT_CHANNELS, SCORE_NAMES, reorder
from mien.tracker.features import FeatureLayout
from mien_training.animator.dataset import (
    ALL_GROUPS,
    DriverSequence,
    SceneJob,
    make_recordings,
    plan_jobs,
)
from mien_training.animator.motion_loss import motion_gram, moving_vertices, vertex_error_mm
from mien_training.animator.network import COMPONENTS, NetworkConfig
from mien_training.animator.training_loop import FitConfig, MotionCost, fit, predict
from mien_training.animator.training_set import network_input, split_recordings
from mien_training.networks.whitening import whiten
from mien_training.templates import load_template

DEAD = (
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight",
    "jawForward", "jawLeft", "jawRight", "mouthLowerDownLeft", "mouthLowerDownRight", "tongueOut",
)  # fmt: skip
POSE = "head_rotation"
POOR, BETTER = 0.3, 0.05
RECORD = "animator_ablation.json"
ROWS, LENGTH = (300, 1100, 1900, 2700, 3500), 150
INPUTS = {
    "scores": ("scores", POSE),
    "landmarks": ("landmarks", POSE),
    "deep 512": ("deep", POSE),
    "deep 4x4x128": ("deep_map", POSE),
    "all": ALL_GROUPS,
}


@dataclass(frozen=True)
class AblationConfig:
    """What to compare, and on how much."""

    take: Annotated[Path | None, tyro.conf.Positional] = None
    """The real recording that the character performs as a test."""
    render: bool = False
    """Measure nothing; write the page of the record that is there."""
    seeds: int = 3
    """Independent repetitions: other training data, other initial weights."""
    frames: int = 8000
    """Training pairs of each repetition."""
    fit: FitConfig = field(default_factory=FitConfig)
    """The optimisation."""
    cache: Path = Path("runs/animator_ablation")
    """Where recordings are kept."""
    out: Path = Path("docs/results")
    """Where the table goes."""


def held_out_jobs(take: Path, seed: int) -> dict[str, list[SceneJob]]:
    """Scenes that training never draws: their seeds lie beyond its range."""
    base = 2**31 + 1000 * seed
    jobs: dict[str, list[SceneJob]] = {}
    for who, identities in (
        ("character", [None] * 5),
        ("other identity", [501, 502, 503, 504, 505]),
    ):
        jobs[f"take, {who}"] = [
            SceneJob(base + i, LENGTH, "clip", identity, clip=str(take), clip_start=row)
            for i, (row, identity) in enumerate(zip(ROWS, identities, strict=True))
        ]
        jobs[f"sparse, {who}"] = [
            SceneJob(base + 100 + i, 60, "sparse", identity)
            for i, identity in enumerate(identities)
        ]
    return jobs


def limit_jobs(take: Path, seed: int) -> list[SceneJob]:
    """The rest of the take, at least 60 frames away from every test row, by the character."""
    return [
        SceneJob(2**31 + 1000 * seed + 500 + i, 90, "clip", clip=str(take), clip_start=start)
        for i, start in enumerate(range(0, 3900, 90))
        if all(start + 90 + 60 <= row or row + LENGTH + 60 <= start for row in ROWS)
    ]


def direct(recording: DriverSequence, subtract: bool) -> np.ndarray:
    """The tracker's scores as weights, raw or minus the neutral frame's."""
    part = FeatureLayout(ALL_GROUPS).slices["scores"]
    scores = recording.features[:, part] - (recording.neutral[part] if subtract else 0)
    return reorder(scores, SCORE_NAMES, ARKIT_CHANNELS, missing=0.0).clip(0, 1)


def ridge(train: list[DriverSequence], groups: tuple[str, ...], penalty: float = 100.0):
    """Linear regression on whitened inputs, clipped."""
    sequences = [network_input(r, groups) for r in train]
    x = np.concatenate([s.x for s in sequences])
    w = np.concatenate([s.weights for s in sequences])
    sizes = (*FeatureLayout(groups).names_and_sizes, ("dt", 1))
    mean, projection = whiten(x, sizes, COMPONENTS)
    z = np.c_[(x - mean) @ projection, np.ones(len(x))]
    b = np.linalg.solve(z.T @ z + penalty * np.eye(z.shape[1]), z.T @ w)

    def apply(recording: DriverSequence) -> np.ndarray:
        z = (network_input(recording, groups).x - mean) @ projection
        return np.clip(np.c_[z, np.ones(len(z))] @ b, 0, 1).astype(np.float32)

    return apply


def figures(answer, recordings: list[DriverSequence], motion: MotionCost) -> dict[str, float]:
    """Vertex error, correlations and jitter of one method on one test."""
    guesses = [answer(r) for r in recordings]
    truths = [r.weights for r in recordings]
    errors = [
        vertex_error_mm(g, t, motion.deltas, motion.moving)
        for g, t in zip(guesses, truths, strict=True)
    ]
    guess, true = np.concatenate(guesses), np.concatenate(truths)
    correlation = {
        name: float(np.corrcoef(guess[:, i], true[:, i])[0, 1]) if guess[:, i].std() > 1e-6 else 0.0
        for i, name in enumerate(ARKIT_CHANNELS)
        if true[:, i].std() > 0.01
    }
    out = {
        "mm": float(np.concatenate(errors).mean()),
        "correlation": float(np.median(list(correlation.values()))),
        "dead": float(np.mean([correlation[n] for n in DEAD if n in correlation])),
        **{f"r {name}": value for name, value in correlation.items()},
    }
    if recordings[0].sequence:
        for label, series in (("jitter", guesses), ("true jitter", truths)):
            moves = [
                vertex_error_mm(s[1:], s[:-1], motion.deltas, motion.moving).mean() for s in series
            ]
            out[label] = float(np.mean(moves))
    return out


def run(config: AblationConfig) -> None:
    """Everything; prints as it goes."""
    if config.render:
        render(config.out)
        return
    if config.take is None:
        raise SystemExit("name the TAKE, or say --render")
    template = load_template("anny")
    skin = template.regions["skin"]
    motion = MotionCost(
        motion_gram(template.shape_deltas, skin),
        template.shape_deltas,
        moving_vertices(template.shape_deltas, skin),
    )
    results: dict[str, dict[str, list[dict[str, float]]]] = {}
    start = time.perf_counter()
    for seed in range(config.seeds):
        train = make_recordings(plan_jobs(seed + 1, config.frames, None), config.cache)
        tests = {
            name: make_recordings(jobs, config.cache)
            for name, jobs in held_out_jobs(config.take, seed).items()
        }
        methods = {
            "still face": lambda r: np.zeros_like(r.weights),
            "(a) scores as weights": lambda r: direct(r, False),
            "(a') scores minus neutral": lambda r: direct(r, True),
            "(b) ridge on scores": ridge(train, INPUTS["scores"]),
            "(c) ridge on everything": ridge(train, ALL_GROUPS),
        }
        kept, held = split_recordings(len(train), 0.1, seed)
        rest = make_recordings(limit_jobs(config.take, seed), config.cache)
        runs = {"(d) per frame, everything": ("all", False, [])}
        runs |= {f"(e) LSTM on {name}": (name, True, []) for name in INPUTS}
        runs["limit: (e) on all, the rest of the take in training"] = ("all", True, rest)
        for label, (inputs, recurrent, extra) in runs.items():
            groups = INPUTS[inputs]
            sequences = [network_input(r, groups) for r in train]
            more = [network_input(r, groups) for r in extra]
            settings = replace(config.fit, seed=seed, network=NetworkConfig(recurrent=recurrent))
            network, _ = fit(
                [sequences[i] for i in kept] + more, [sequences[i] for i in held],
                groups, ARKIT_CHANNELS, motion, settings,
            )  # fmt: skip
            methods[label] = lambda r, n=network, g=groups: predict(n, network_input(r, g))
        for label, answer in methods.items():
            for name, recordings in tests.items():
                row = figures(answer, recordings, motion)
                results.setdefault(label, {}).setdefault(name, []).append(row)
            print(seed, label, {n: round(v[-1]["mm"], 3) for n, v in results[label].items()})
    write(config, results, time.perf_counter() - start)


def write(config: AblationConfig, results: dict, seconds: float) -> None:
    """The record and the page."""
    record = {
        "command": "python tests/benchmarks/animator_ablation.py "
        + " ".join(Path(a).name if Path(a).exists() else a for a in sys.argv[1:]),
        "config": json.loads(json.dumps(asdict(config), default=lambda p: Path(p).name)),
        "seconds": round(seconds),
        "machine": platform.machine(),
        "versions": {n: version(n) for n in ("mien", "torch", "numpy", "onnxruntime", "anny")},
        "results": results,
    }
    config.out.mkdir(parents=True, exist_ok=True)
    (config.out / RECORD).write_text(json.dumps(record, indent=1) + "\n")
    render(config.out)


def render(out: Path) -> None:
    """Write the page of the record that is there; prints it."""
    text = page(json.loads((out / RECORD).read_text()))
    (out / RECORD).with_suffix(".md").write_text(text)
    print(text)


def page(record: dict) -> str:
    """The Markdown page of a record."""
    config, results = record["config"], record["results"]
    names = list(next(iter(results.values())))
    lines = [
        "# The animator against the obvious alternatives", "",
        f"`{record['command']}`: {config['seeds']} seeds, "
        f"{config['frames']} training pairs each, the",
        "take not among them. Mean over seeds (and standard deviation) of the vertex error in mm",
        "over the moving skin; r is the median correlation over the channels that move, dead the",
        "mean over the channels whose scores are dead; jitter in mm per frame on the take",
        "(character). All channels are in the JSON file.", "",
        "| method | " + " | ".join(names) + " | r, take | dead, take | dead, sparse | jitter |",
        "| --- |" + " --- |" * (len(names) + 4),
    ]  # fmt: skip
    for label, tests in results.items():
        cells = []
        for name in names:
            errors = [row["mm"] for row in tests[name]]
            cells.append(f"{np.mean(errors):.2f} ({np.std(errors):.2f})")
        for name, key in (
            ("take, character", "correlation"), ("take, character", "dead"),
            ("sparse, character", "dead"), ("take, character", "jitter"),
        ):  # fmt: skip
            cells.append(f"{np.mean([r[key] for r in tests[name]]):.2f}")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    truth = np.mean([r["true jitter"] for r in results["still face"]["take, character"]])
    lines += ["", f"True jitter {truth:.2f} mm per frame.", "", *poor_channels(results)]
    return "\n".join(lines) + "\n"


def poor_channels(results: dict) -> list[str]:
    """The lines that say which channels one camera hardly shows, and which the scores know best."""
    network, scores = results["(e) LSTM on all"], results["(a') scores minus neutral"]
    lines = [
        "## What one camera hardly shows", "",
        "Correlation with the truth, mean over seeds, of (e) on all, by the character.", "",
    ]  # fmt: skip
    for test, what in (("sparse, character", "random faces"), ("take, character", "the take")):
        found = {n: r for n, r in correlations(network[test]).items() if r < POOR}
        lines.append(f"- Below {POOR} on {what}: {listed(found)}.")
    own = correlations(network["take, character"])
    plain = correlations(scores["take, character"])
    better = {n: r - own[n] for n, r in plain.items() if r - own[n] > BETTER}
    lines.append(
        f"- Scores minus neutral are better on the take by over {BETTER}: {listed(better)}."
    )
    return lines


def correlations(rows: list[dict[str, float]]) -> dict[str, float]:
    """Channel -> mean correlation over the seeds in which it moves."""
    names = dict.fromkeys(key for row in rows for key in row if key.startswith("r "))
    means = {key: float(np.mean([row[key] for row in rows if key in row])) for key in names}
    return {key.removeprefix("r "): mean for key, mean in means.items()}


def listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in sorted(values.items())) or "none"


PAGES = {"animator_ablation": page}

if __name__ == "__main__":
    run(tyro.cli(AblationConfig))
