"""How a rig fits footage of real people, of whom no truth is known.

python tests/benchmarks/rig_real.py CLIP.mp4 [CLIP ...] [--name NAME ...] [--seconds A B ...]
    [--modes full quick]

Trains the rig of `mien train rig` on every clip (of --seconds, a pair a clip, what lies between),
and asks dense optical flow what it thinks of it (see flow_opinion.py; OpenCV, of the extra `dev`).
Fits are kept in runs/rig_real/, so that an interrupted call goes on: delete it when the fit has
changed. A fit that was interrupted
itself begins anew, for its seconds and its memory are measured. docs/results/rig_real is written
from what is there: figures alone, no pixel of a clip.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
from collections import Counter
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from clip_cut import cut_clip
from real_tables import page
from result_pages import RESULTS, only_rendered

from mien.atomic import write_atomically
from mien_training.metrics.tables import write_results

RUNS = Path(__file__).parents[2] / "runs" / "rig_real"
SIZE = 256
"""Pixels of the face's image that all distances are told in."""
PAGES = {"rig_real": page}


def train(clip: Path, folder: Path, quick: bool) -> None:
    """Figures of one fit, into measured.json; of a process of its own, for its memory."""
    from mien_training.rig.train import TrainRigConfig, quicker, train_rig

    config = TrainRigConfig((clip,), out=folder, quick=quick)
    metrics = train_rig(config, quiet=True)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report = metrics["frame_report"]
    scale = SIZE / (quicker(config) if quick else config).size
    row = {
        "frames": metrics["frames"],
        "points_px": {k: scale * v for k, v in report["points_px"].items()},
        "colours_255": {k: 255 * v for k, v in report["photometric"].items()},
        "lost": report["lost"],
        "named": dict(Counter(f["reason"] for f in report["named"])),
        "verdicts": metrics.get("verdicts", {}),
        "seconds": metrics["seconds"],
        "peak_mb": peak_mb,
        "glb_mb": glb_bytes(folder) / 1e6,
        "report_mb": (folder / "report.html").stat().st_size / 1e6,
    }
    write_atomically(folder / "measured.json", json.dumps(row).encode())


def glb_bytes(folder: Path) -> int:
    """Size of the character's file: most of a package."""
    from mien_exporters.gltf import rig_to_glb
    from mien_exporters.gltf_mesh import drop_still_shapes
    from mien_training.head import rig_from_template
    from mien_training.templates.person import read_person

    person, materials = read_person(folder)
    rig, _ = rig_from_template(person, person.name, None, materials)
    return len(rig_to_glb(drop_still_shapes(rig)))


def ask_flow(clip: Path, folder: Path, quick: bool) -> None:
    """What flow says of a finished fit, into flow.json: of every frame, at SIZE, in both modes."""
    from flow_opinion import flow_opinion

    from mien_training.footage.load import read_recordings
    from mien_training.footage.observations import observe
    from mien_training.rig.fit import fit_rig
    from mien_training.rig.report.fitted_scene import FittedScene
    from mien_training.rig.train import TrainRigConfig, quicker
    from mien_training.templates import load_template
    from mien_training.templates.person import read_person

    usual = TrainRigConfig((clip,), out=folder)
    config = quicker(usual) if quick else usual
    template = load_template(config.template)

    def seen_at(size: int, frames: int) -> Any:
        return observe(read_recordings((clip,), None, template, size, frames, print))

    fit = fit_rig(
        template, seen_at(config.size, config.frames), config.fit, folder / "checkpoint.pt"
    )  # of its checkpoint: nothing is fitted anew
    person, _ = read_person(folder)
    found = flow_opinion(FittedScene.of(person, seen_at(SIZE, usual.frames), fit))
    write_atomically(folder / "flow.json", json.dumps(found).encode())


def alone(work: Any, *arguments: Any) -> None:
    """In a process of its own; raises RuntimeError where it fails."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} of {arguments[0]} ended with {process.exitcode}")


def measure(clip: Path, folder: Path, quick: bool) -> dict[str, Any]:
    """What was measured before, and what is missing of it."""
    if not (folder / "measured.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        alone(train, clip, folder, quick)
    if not (folder / "flow.json").exists():
        alone(ask_flow, clip, folder, quick)
    row = json.loads((folder / "measured.json").read_text())
    return {**row, "flow": shortened(json.loads((folder / "flow.json").read_text()))}


def shortened(flow: dict[str, Any]) -> dict[str, Any]:
    """For the record: of single pairs the face's figures, and the rig's medians of its parts."""
    pairs = []
    for pair in flow["pairs"]:
        parts = {k: figures for k, figures in pair.items() if isinstance(figures, dict)}
        face = parts.pop("face", {})
        pairs.append({
            "frames": pair["frames"],
            "time_s": round(pair["time_s"], 3),
            "parts": {part: round(figures["rig"][0], 2) for part, figures in parts.items()},
            **{
                method: [round(v, 2) for v in face[method]]
                for method in ("rig", "rigid", "tracker", "none")
                if face
            },
        })  # fmt: skip
    return {**flow, "pairs": pairs}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--name", nargs="*", default=[])
    parser.add_argument("--seconds", type=float, nargs="*", default=[])
    parser.add_argument("--modes", nargs="*", choices=("full", "quick"), default=["full", "quick"])
    options = parser.parse_args()
    names = options.name or [clip.stem for clip in options.clips]
    seconds = options.seconds
    if len(set(names)) != len(options.clips) or len(seconds) not in (0, 2 * len(names)):
        parser.error("expected a --name, another for each, and two --seconds for every clip")
    (RUNS / "clips").mkdir(parents=True, exist_ok=True)
    kept = RESULTS / "rig_real.json"
    results: dict[str, Any] = json.loads(kept.read_text())["results"] if kept.exists() else {}
    command = " ".join([
        "python tests/benchmarks/rig_real.py", *(clip.name for clip in options.clips),
        *(["--name", *(repr(n) if " " in n else n for n in names)] if options.name else []),
        *(["--seconds", *(f"{s:g}" for s in seconds)] if seconds else []),
    ])  # fmt: skip
    for n, (clip, name) in enumerate(zip(options.clips, names, strict=True)):
        footage, cut = clip.resolve(), tuple(seconds[2 * n : 2 * n + 2])
        digest = sha256(footage.read_bytes() + repr(cut).encode()).hexdigest()[:12]
        if cut:
            footage = RUNS / "clips" / f"{digest}.mp4"
            if not footage.exists():
                cut_clip(clip, *cut, footage)
        for mode in options.modes:
            row = measure(footage, RUNS / f"{digest}, {mode}", mode == "quick")
            results.setdefault(name, {})[mode] = row
            points, face = row["points_px"], row["flow"]["parts"]["face"]
            print(
                f"{name}, {mode}: points {points['median']:.2f}, worst {points['worst']:.2f} px, "
                f"flow {face['rig'][0]:.2f} px (rigid {face['rigid'][0]:.2f}, none "
                f"{face['none'][0]:.2f}), {sum(row['seconds'].values()):.0f} s, "
                f"{row['peak_mb']:.0f} MB",
                flush=True,
            )
            write_results(RESULTS, "rig_real", command, {"results": results}, page)


if __name__ == "__main__":
    main()
