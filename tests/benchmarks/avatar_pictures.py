"""Draws docs/figures/avatar_*.jpg: a synthetic person beside what was learnt of them.

python tests/benchmarks/avatar_pictures.py TAKE.csv

Of trainings that avatar_splats.py and avatar_volume.py have kept (it trains what is missing).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse

import numpy as np
import torch
from avatar_case import avatar_case, film_cameras
from avatar_rows import TESTED, TRAINING, film_of, simple_draw
from avatar_splats import ROWS, drawn, trained
from avatar_volume import trained_volume
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien_training.avatar.anchors import AnchorAtlas
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.judge import over_grey
from mien_training.synthetic.avatar import AvatarTruth
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs" / "figures"
SEED, SIDE = 5, 256
BACKDROPS = {"a bright wall": (232, 226, 214), "a dark one": (30, 34, 44)}
QUALITY = 88


class Ways:
    """What draws a frame of a film: mesh, volume and Gaussians, each (S, S, 4)."""

    def __init__(self, take: Path) -> None:
        self.case = avatar_case(take, SEED, SIDE, TRAINING, TESTED)
        film = self.case.film
        rows = {row.name: row for row in ROWS if row.side == SIDE}
        mesh, splats = rows["mesh, texture and light refitted"], rows["splats, D"]
        film = film_of(splats, self.case, SEED)
        atlas = AnchorAtlas.of(film.person)
        gaussians = drawn(trained(splats, SEED, film, atlas)[0])
        volume = trained_volume(take, SEED)
        self.film = film
        self.drawers = {
            "textured mesh": simple_draw(mesh, film, atlas), "volume": volume,
            "Gaussians": gaussians,
        }  # fmt: skip


def posed(film: AvatarFilm, truth: AvatarTruth, weights: NDArray[np.float32],
          angles: NDArray[np.float64]) -> tuple[AvatarFilm, NDArray[np.float32]]:  # fmt: skip
    """A film of new moments before the front camera, and the truth of it (T, S, S, 4)."""
    front = film_cameras(truth.neutral, SIDE)[0]
    frames = truth.perform(weights, angles, front, (0, 0, 0), compare=False)
    made = replace(
        film, images=frames.images, alpha=np.rint(255 * frames.alpha).astype(np.uint8),
        plate=np.zeros((SIDE, SIDE, 3), np.uint8), K=np.tile(front.K, (len(weights), 1, 1)),
        camera_from_rig=np.asarray(front.camera_from_world @ frames.world_from_head),
        weights=frames.weights, training=1,
    )  # fmt: skip
    colour = np.stack([made.premultiplied(f).numpy() for f in range(len(made))])
    return made, np.concatenate([colour, frames.alpha[..., None]], 3).astype(np.float32)


def over(image: NDArray[np.float32], backdrop: tuple[int, int, int]) -> NDArray[np.float32]:
    return image[..., :3] + (1 - image[..., 3:]) * np.array(backdrop, np.float32) / 255


def sheet(name: str, rows: dict[str, list[NDArray[np.float32]]]) -> None:
    """Rows of pictures (S, S, 3), each under its name."""
    strips = []
    for words, pictures in rows.items():
        strip = Image.fromarray(
            np.rint(255 * np.concatenate(pictures, 1).clip(0, 1)).astype(np.uint8)
        )
        ImageDraw.Draw(strip).text(
            (6, 4), words, fill=(255, 255, 255), font_size=16, stroke_width=2, stroke_fill=(0, 0, 0)
        )
        strips.append(np.asarray(strip))
    whole = Image.fromarray(np.concatenate(strips))
    whole.save(FIGURES / f"{name}.jpg", quality=QUALITY)
    print(FIGURES / f"{name}.jpg", whole.size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("take", type=Path)
    torch.set_num_threads(1)
    ways = Ways(parser.parse_args().take)
    truth = AvatarTruth.make(load_template("anny"), SEED)
    film, case = ways.film, ways.case
    names = list(truth.shape_names)

    def at(**weights: float) -> NDArray[np.float32]:
        return np.array([weights.get(n, 0.0) for n in names], np.float32)

    def compare(
        name: str, weights: list[NDArray[np.float32]], angles: list[tuple[float, float, float]],
        with_truth: bool = True,
    ) -> None:  # fmt: skip
        asked = np.stack(weights)
        new, known = posed(film, truth, asked.clip(0, 1), np.radians(np.array(angles, float)))
        new = replace(new, weights=asked)
        rows = {"truth": [over_grey(k) for k in known]} if with_truth else {}
        for words, draw in ways.drawers.items():
            rows[words] = [over_grey(draw(new, f)) for f in range(len(new))]
        sheet(name, rows)

    held = list(case.front)[:: len(case.front) // 4][:5]
    rows = {"film, held out": [film.images[f].astype(np.float32) / 255 for f in held]}
    for words, draw in ways.drawers.items():
        rows[words] = [over(draw(film, f), (120, 120, 120)) for f in held]
    sheet("avatar_held_out", rows)
    rest = at()
    open_jaw = at(jawOpen=0.9)
    compare("avatar_turning", [rest] * 5, [(a, 0, 0) for a in (-40, -20, 0, 20, 40)])
    mouths = [rest, at(jawOpen=0.4), open_jaw, at(mouthSmileLeft=0.8, mouthSmileRight=0.8),
              at(mouthPucker=0.9)]  # fmt: skip
    compare("avatar_mouths", mouths, [(0, 0, 0)] * 5)
    strong = case.film.weights[held]
    pairs = [w * factor for w in strong[1:3] for factor in (1.0, 2.0)]
    compare("avatar_doubled", pairs, [(0, 0, 0)] * 4, with_truth=False)
    new, known = posed(film, truth, np.stack([rest]), np.zeros((1, 3)))
    pictures = {"truth": known[0], **{w: d(new, 0) for w, d in ways.drawers.items()}}
    sheet("avatar_hair", {
        f"before {words}": [over(picture, behind) for picture in pictures.values()]
        for words, behind in BACKDROPS.items()
    })  # fmt: skip


if __name__ == "__main__":
    main()
