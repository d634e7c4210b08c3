"""MonoAvatar's volume against known truth, its parts, and beside Gaussians at equal time.

python tests/benchmarks/avatar_volume.py TAKE.csv [--seeds 5 6 7] [--only NAME...]

One thread. Every row is kept in runs/avatar_volume and not measured again; the page is of all that
is there: docs/results/avatar_volume (.json and .md).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from avatar_case import AvatarCase, avatar_case
from avatar_measures import DrawFilm, figures
from avatar_rows import (
    FIT,
    TESTED,
    TRAINING,
    Row,
    film_of,
    kept_rows,
    measure_rows,
    simple_draw,
    table,
)
from avatar_splats import splat_draw
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered

from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.volume.error_warp import BANDS, ErrorWarp
from mien_training.avatar.volume.train_volume import train_volume
from mien_training.avatar.volume.volume_avatar import VolumeAvatar
from mien_training.avatar.volume.volume_config import VolumeConfig
from mien_training.metrics.tables import write_results
from mien_training.runs.checkpoint import Checkpoint

KEPT = Path(__file__).parents[2] / "runs" / "avatar_volume"
STEPS = 960
EVERY = 4
"""An image takes seconds: every fourth of the held-out frames is judged."""
ALIKE = {"volume": {3: 1250, 10: 4200}, "splats": {3: 2000, 5: 3000}}
"""Steps that take one core about so many minutes."""


def _volume(name: str, level: str = "exact", seeds: tuple[int, ...] | None = None,
            left_on: bool = False, **options: Any) -> Row:  # fmt: skip
    options.setdefault("warp", level != "exact")
    return Row(name, level, kind="volume", options=options, steps=STEPS, left_on=left_on,
               seeds=seeds)  # fmt: skip


def _rows() -> list[Row]:
    rows = [
        Row("mean image", simple="mean"), Row("mesh, texture and light refitted", simple="mesh"),
        _volume("D"), _volume("static", network="static"),
        _volume("not posed", seeds=(5,), posed=False),
        _volume("C", seeds=(5,), network="codes"),
        _volume("codes appended", seeds=(5,), network="appended"),
        _volume("global", seeds=(5,), network="global"),
        _volume("D, closest surface", seeds=(5,), anchoring="surface"),
        Row("mesh, texture and light refitted", "fit", simple="mesh"),
        _volume("D, warped", "fit", (5,)),
        _volume("D, warp left on", "fit", (5,), left_on=True),
        _volume("D, not warped", "fit", (5,), warp=False),
        _volume("D, warp not held", "fit", (5,), warp_hold=0.0, warp_elastic=0.0),
    ]  # fmt: skip
    for kind, times in ALIKE.items():
        options = {"warp": False} if kind == "volume" else {}
        rows += [
            Row(f"{minutes} minutes: {kind}", kind=kind, options=options, steps=steps, seeds=(5,))
            for minutes, steps in times.items()
        ]
    return rows


ROWS = _rows()


def measured(
    row: Row, seed: int, case: AvatarCase, film: AvatarFilm, atlas: AnchorAtlas
) -> dict[str, Any]:
    """Figures of one row, and what it cost."""
    begin = time.process_time()
    found: dict[str, Any] = {}
    if row.simple:
        draw = simple_draw(row, film, atlas)
    elif row.kind == "splats":
        draw = splat_draw(row, seed, film, atlas)
    else:
        avatar, warp = trained(row, seed, film, atlas)
        draw = drawn(avatar, warp if row.left_on else None)
    found["cpu_s"] = time.process_time() - begin
    if row.kind == "volume":
        found["image_s"] = image_cost(draw, film)
    return {**figures(case, film, draw, EVERY), **found}


def trained(
    row: Row, seed: int, film: AvatarFilm, atlas: AnchorAtlas
) -> tuple[VolumeAvatar, ErrorWarp]:
    config = VolumeConfig(steps=row.steps, seed=seed, **row.options)
    name = f"{row.name} {row.level} {seed}".replace("warp left on", "warped")
    for words, others in ((":", ""), (" ", "_")):
        name = name.replace(words, others)
    looked_at = torch.from_numpy(mesh_masks(film).looked_at.astype(np.float32))
    checkpoint = Checkpoint(KEPT / f"{name}.pt", {"config": asdict(config)})
    avatar, warp, _ = train_volume(film, atlas, config, looked_at, checkpoint)
    return avatar, warp


def trained_volume(take: Path, seed: int) -> DrawFilm:
    """What draws by the longest training that is in the table."""
    row = next(r for r in reversed(ROWS) if r.kind == "volume")
    film = film_of(row, avatar_case(take, seed, row.side, TRAINING, TESTED), seed)
    return drawn(trained(row, seed, film, AnchorAtlas.of(film.person))[0])


def drawn(avatar: VolumeAvatar, warp: ErrorWarp | None = None) -> DrawFilm:
    """warp: each frame with the code of some training frame."""

    def draw(film: AvatarFilm, frame: int) -> NDArray[np.float32]:
        with torch.no_grad():
            posed = avatar(film.vertices([frame]), film.codes([frame]))[0]
            left = None
            if warp is not None:
                left = lambda points: warp(points, frame % TRAINING, float(BANDS))  # noqa: E731
            return np.asarray(posed.image(film.camera(frame), film.side, left).numpy())

    return draw


def image_cost(draw: DrawFilm, film: AvatarFilm) -> float:
    """Seconds an image, least of three."""
    spent = []
    for _ in range(3):
        begin = time.thread_time()
        draw(film, film.training)
        spent.append(time.thread_time() - begin)
    return min(spent)


TEXT = f"""# MonoAvatar's volume

Bai et al. 2023 at the size `small` (`VolumeConfig`), of the people and frames of
[the Gaussians' page](avatar_splats.md), 128 pixels, on which the columns are explained; every
{EVERY}th held-out frame. {STEPS} steps, {STEPS / TRAINING:.0f} visits of each frame: quality still
rises at this length, and rows compare with one another. closest surface: anchored to the nearest
point of the mesh instead of the nearest vertices. not posed: features stay at the neutral's
vertices while the head moves."""
FIT_TEXT = """## Errors like a fit's

Neutral {neutral_mm} mm off, head motion {turn_deg} degrees and {move_mm} mm, weights {weight}, in
held-out frames too: PSNR there measures the tracking as well, `sharp` does not. warp: the paper's,
a field of small rigid motions by frame; not held: without the losses on its size and elasticity;
left on: with the code of some training frame in every held-out one."""
ALIKE_TEXT = """## At equal time

One person; seconds of one core. An image of the head of 128 pixels takes the volume
{image_s:.2f} s."""


def page(record: dict[str, Any]) -> str:
    results = record["results"]
    costs = [f["image_s"] for found in results.values() for f in found.values() if "image_s" in f]

    def of(choose: Callable[[Row], bool]) -> str:
        return table(results, [row for row in ROWS if choose(row)])

    return "\n\n".join([
        TEXT, of(lambda r: r.level == "exact" and "minutes" not in r.name),
        FIT_TEXT.format(**FIT), of(lambda r: r.level == "fit"),
        ALIKE_TEXT.format(image_s=float(np.median(costs)) if costs else float("nan")),
        of(lambda r: "minutes" in r.name), f"`{record['command']}`\n",
    ])  # fmt: skip


PAGES = {"avatar_volume": page}


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
    command = "python tests/benchmarks/avatar_volume.py data/livelink_rom/alex_rom_3.csv"
    write_results(RESULTS, "avatar_volume", command, {"results": kept_rows(KEPT, ROWS)}, page)


if __name__ == "__main__":
    main()
