"""Heads of Gaussians against known truth: what which part does, and how near they come.

python tests/benchmarks/avatar_splats.py TAKE.csv [--seeds 5 6 7] [--only NAME...]

One thread. Every row is kept in runs/avatar_splats and not measured again; the page is of all that
is there: docs/results/avatar_splats (.json and .md).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from avatar_case import AvatarCase
from avatar_measures import DrawFilm, figures
from avatar_rows import (
    FIT,
    TESTED,
    TRAINING,
    Row,
    kept_rows,
    measure_rows,
    simple_draw,
    table,
)
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered

from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.bake.linear_bake import BakeConfig, LinearBake, bake
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.splats.frame_correction import FrameCorrection
from mien_training.avatar.splats.train_splats import SplatAvatar, SplatsConfig, train_splats
from mien_training.metrics.tables import write_results
from mien_training.runs.checkpoint import Checkpoint

KEPT = Path(__file__).parents[2] / "runs" / "avatar_splats"
LONG, SHORT = 3000, 1200
KINDS = {"D": "displacements", "C": "codes", "codes appended": "appended", "global": "global",
         "static": "static"}  # fmt: skip


def _rows() -> list[Row]:
    rows = []
    for level in ("exact", "fit"):
        rows += [
            Row("mean image", level, simple="mean"),
            Row("mesh, texture of one frame", level, simple="one"),
            Row("mesh, texture and light refitted", level, simple="mesh"),
            Row("splats, D", level, steps=LONG),
            Row("splats, D, baked", level, steps=LONG, baked=True),
        ]
    rows.append(Row("splats, D, errors in held-out frames only", "fit", steps=LONG,
                    learnt_exactly=True))  # fmt: skip
    rows += [
        Row(f"short: {name}", options={"network": kind}, steps=SHORT)
        for name, kind in KINDS.items()
    ]
    rows += [
        Row("short: D, no hair layers", options={"hair_layers": False}, steps=SHORT),
        Row("short: D, Gaussians stay", options={"relocations": 0}, steps=SHORT),
        Row("short: D, no weight on features", options={"looked_at": 1.0}, steps=SHORT),
    ]
    for name, share in (("half", 0.5), ("a quarter", 0.25)):
        rows += [
            Row(f"short: {kind}, {name} of the frames", share=share,
                options={"network": KINDS[kind]}, steps=SHORT) for kind in ("D", "C")
        ]  # fmt: skip
    for level in ("1 px", "2 px"):
        rows += [
            Row("short: D, corrected", level, steps=SHORT),
            Row("short: D, not corrected", level, options={"correction": False}, steps=SHORT),
            Row("short: D, not held", level, options={"correction_hold": 0.0}, steps=SHORT),
            Row("short: D, left on", level, left_on=True, steps=SHORT),
        ]
    rows += [
        Row("mesh, texture and light refitted", side=256, simple="mesh", seeds=(5,)),
        Row("splats, D", side=256, steps=LONG, seeds=(5,)),
        Row("splats, static", side=256, steps=LONG, options={"network": "static"}, seeds=(5,)),
    ]
    return rows


ROWS = _rows()


def measured(
    row: Row, seed: int, case: AvatarCase, film: AvatarFilm, atlas: AnchorAtlas
) -> dict[str, Any]:
    """Figures of one row, and what it cost."""
    begin = time.process_time()
    if row.learnt_exactly:
        exact = replace(row, name="splats, D", level="exact")
        draw = splat_draw(exact, seed, case.film, AnchorAtlas.of(case.film.person))
    elif row.simple:
        draw = simple_draw(row, film, atlas)
    else:
        draw = splat_draw(row, seed, film, atlas)
    spent = time.process_time() - begin
    return {**figures(case, film, draw), "cpu_s": spent}


def trained(
    row: Row, seed: int, film: AvatarFilm, atlas: AnchorAtlas
) -> tuple[SplatAvatar, FrameCorrection]:
    config = SplatsConfig(steps=row.steps, seed=seed, **row.options)
    name = f"{row.name} {row.level} {row.side} {seed}"
    same = {", baked": "", "left on": "corrected", ":": "", " ": "_"}
    for words, others in same.items():
        name = name.replace(words, others)
    looked_at = torch.from_numpy(mesh_masks(film).looked_at.astype(np.float32))
    checkpoint = Checkpoint(KEPT / f"{name}.pt", {"config": asdict(config)})
    avatar, correction, _ = train_splats(film, atlas, config, looked_at, checkpoint)
    return avatar, correction


def splat_draw(row: Row, seed: int, film: AvatarFilm, atlas: AnchorAtlas) -> DrawFilm:
    avatar, correction = trained(row, seed, film, atlas)
    linear = bake(avatar, film, BakeConfig(), seed) if row.baked else None
    return drawn(avatar, linear, correction if row.left_on else None)


def drawn(
    avatar: SplatAvatar, linear: LinearBake | None = None, left: FrameCorrection | None = None
) -> DrawFilm:
    """Pictures by the network, or by its baked form."""

    def draw(film: AvatarFilm, frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            vertices, codes = film.vertices([frame]), film.codes([frame])
            if linear is None:
                cloud = avatar(vertices, codes)
            else:
                cloud = avatar.head(vertices, avatar.head.anchors.image(linear.changes(codes)))
            if left is not None:
                cloud = left(cloud, torch.tensor([frame % len(left.motion)]))
            return np.asarray(cloud.image(film.camera(frame), film.side).numpy())

    return draw


TEXT = f"""# Photoreal heads of Gaussians

Synthetic people with strand hair and wrinkles that move perform the first three quarters of a real
take, turning their heads, in {TRAINING} images of 128 pixels (2.4 mm each); tested on {TESTED}
frames of its last fifth, before the same camera and before one 25 degrees aside, where none stood
in training. PSNR in dB over all pixels of a region, mean over people: features are lips, lids and
brows, mouth what is seen behind the lips, changed those pixels that the wrinkles of the expression
change. alpha: mean error of coverage. worst: the worst frame's features; ssim: of the features.
sharp, alike: energy of neighbouring pixels' differences over the head in parts of the truth's, and
correlation. points: the tracker's landmarks in the picture against those in the truth, in parts of
the distance of the eyes' outer corners. flicker: deviation in codes while a face rests and its
weights shake by 0.02. s: of one core, training (0: taken from the row above).

D: changes from the displacement map by a U-Net; C: from channels and pose by a convolutional
decoder; codes appended, global: the same without convolutions; static: none. baked: D as 16 linear
maps, as packages have it. Gaussians stay: those that fade are not moved. short: {SHORT} steps
instead of {LONG}; such rows compare with one another."""
FIT_TEXT = """## Errors like a fit's

The person's neutral is {neutral_mm} mm off, smoothly; in every frame, held-out ones too, head
motion is off by {turn_deg} degrees and {move_mm} mm, weights by {weight}. Errors in held-out frames
only: what the head that was learnt without errors (above) shows at these neutral, motion and
weights: no training on worse tracking can be expected to come nearer."""
PX_TEXT = """## Tracking that trembles

In training the head is elsewhere by 1 or 2 pixels in every frame; held-out frames are drawn where
they are. The correction gives each frame a motion of its own; not held: without the loss that
keeps motions small; left on: some training frame's motion in every held-out one."""
SIDE_TEXT = """## 256 pixels

One person."""


def page(record: dict[str, Any]) -> str:
    def of(choose: Callable[[Row], bool]) -> str:
        return table(record["results"], [row for row in ROWS if choose(row)])

    return "\n\n".join([
        TEXT, of(lambda r: r.side == 128 and r.level == "exact"),
        FIT_TEXT.format(**FIT), of(lambda r: r.level == "fit"),
        PX_TEXT, of(lambda r: "px" in r.level),
        SIDE_TEXT, of(lambda r: r.side == 256), f"`{record['command']}`\n",
    ])  # fmt: skip


PAGES = {"avatar_splats": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=[5, 6, 7])
    parser.add_argument("--only", nargs="*", default=None, help="rows: their names' beginnings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure_rows(KEPT, ROWS, options.seeds, options.only, options.take, measured)
    command = "python tests/benchmarks/avatar_splats.py data/livelink_rom/alex_rom_3.csv"
    write_results(RESULTS, "avatar_splats", command, {"results": kept_rows(KEPT, ROWS)}, page)


if __name__ == "__main__":
    main()
