"""Rows of the tables of avatars: what is trained on which film, kept once measured."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from avatar_case import AvatarCase, avatar_case, mistaken
from avatar_measures import DrawFilm
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.textured_mesh import TexturedMesh, mean_image
from mien_training.metrics.tables import markdown_table

__all__ = [
    "FIT",
    "TESTED",
    "TRAINING",
    "Row",
    "film_of",
    "kept_rows",
    "key",
    "measure_rows",
    "simple_draw",
    "table",
]  # fmt: skip

TRAINING, TESTED = 240, 40
MM_PER_PX = {128: 2.4, 256: 1.2}
FIT = {"neutral_mm": 0.7, "turn_deg": 0.5, "move_mm": 1.5, "weight": 0.02}
REGIONS = ("head", "skin", "features", "mouth", "changed", "hair", "outline", "alpha")


@dataclass(frozen=True)
class Row:
    """One line of the tables."""

    name: str
    level: str = "exact"
    """exact, fit (errors like a fit's), 1 px or 2 px (places of the head alone, by frame)."""
    side: int = 128
    share: float = 1.0
    """Of the training frames, the first ones."""
    simple: str | None = None
    """What is drawn without any training."""
    kind: str = "splats"
    options: dict[str, Any] = field(default_factory=dict)
    """Of SplatsConfig or VolumeConfig."""
    steps: int = 0
    baked: bool = False
    learnt_exactly: bool = False
    """Trained without errors: what they cost in the held-out frames alone."""
    left_on: bool = False
    """The correction of some training frame stays on in every held-out one."""
    seeds: tuple[int, ...] | None = None
    """None: all that are asked for."""


def key(row: Row) -> str:
    return f"{row.side} {row.level} {row.name}"


def film_of(row: Row, case: AvatarCase, seed: int) -> AvatarFilm:
    film = case.film
    if row.level == "fit":
        film = mistaken(film, seed, **FIT)
    elif row.level != "exact":
        move_mm = float(row.level.split()[0]) * MM_PER_PX[row.side] * np.sqrt(1.5)
        wrong = mistaken(film, seed, 0.0, 0.0, move_mm, 0.0)
        # Held-out frames are drawn where they are, so that the figures are of what was learnt.
        posed = [*wrong.camera_from_rig[: film.training], *film.camera_from_rig[film.training :]]
        film = replace(film, camera_from_rig=np.stack(posed))
    count = round(row.share * film.training)
    frames = [*range(count), *range(film.training, len(film))]
    assert film.alpha is not None
    return replace(
        film, images=film.images[frames], alpha=film.alpha[frames], K=film.K[frames],
        camera_from_rig=film.camera_from_rig[frames], weights=film.weights[frames], training=count,
    )  # fmt: skip


def simple_draw(row: Row, film: AvatarFilm, atlas: AnchorAtlas) -> DrawFilm:
    if row.simple == "mean":
        mean = mean_image(film)
        return lambda film, frame: mean
    made = TexturedMesh(replace(film, training=1) if row.simple == "one" else film, atlas)

    def draw(film: AvatarFilm, frame: int) -> NDArray[np.float32]:
        mesh = copy.copy(made)
        mesh.film = film
        return mesh.draw(frame)

    return draw


Measured = Callable[[Row, int, AvatarCase, AvatarFilm, AnchorAtlas], dict[str, Any]]


def measure_rows(
    kept: Path, rows: Sequence[Row], seeds: Sequence[int], only: Sequence[str] | None, take: Path,
    measured: Measured,
) -> None:  # fmt: skip
    """Every row that is asked for and not in the folder `kept` yet."""
    kept.mkdir(parents=True, exist_ok=True)
    for row in rows:
        if only is not None and not key(row).startswith(tuple(only)):
            continue
        for seed in seeds:
            path = kept / f"{key(row)} {seed}.json"
            if path.exists() or (row.seeds is not None and seed not in row.seeds):
                continue
            case = avatar_case(take, seed, row.side, TRAINING, TESTED)
            film = film_of(row, case, seed)
            found = measured(row, seed, case, film, AnchorAtlas.of(film.person))
            write_atomically(path, json.dumps(found).encode())
            front = {k: round(v, 3) for k, v in found["front"].items()}
            print(seed, key(row), front, round(found["cpu_s"]), flush=True)


def kept_rows(kept: Path, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Figures by row and seed."""
    return {
        key(row): {
            path.stem[-1]: json.loads(path.read_bytes())
            for path in sorted(kept.glob(f"{key(row)} ?.json"))
        }
        for row in rows
    }


_BESIDE = ("worst", "ssim", "sharp", "alike", "points", "flicker", "cpu_s")


def table(results: dict[str, dict[str, Any]], rows: Sequence[Row]) -> str:
    """Means over people."""
    columns = ["", "people", *REGIONS, "aside: head", "features", "hair", "worst", "ssim", "sharp",
               "alike", "points", "flicker", "s"]  # fmt: skip
    lines: list[list[Any]] = []
    for row in rows:
        every = list(results.get(key(row), {}).values())
        if not every:
            continue
        name = f"{row.level}: {row.name}" if "px" in row.level else row.name
        cells = [[found["front"].get(r) for found in every] for r in REGIONS]
        aside = ("head", "features", "hair")
        cells += [[found["aside"].get(r) for found in every] for r in aside]
        cells += [[found.get(n) for found in every] for n in _BESIDE]
        lines.append([name, len(every), *map(_mean, cells)])
    return markdown_table(columns, lines)


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None
