"""A real scanned head, seen by 3 and 9 calibrated cameras, through the capture networks.

python tests/benchmarks/capture_scan.py [--net NET] [--seeds 3] [--images FOLDER]

Needs headscan_lps and headscan_lps_views among the real data (see tests/conftest.py). Writes
docs/results/capture_scan.json and .md; --render writes the page anew; --images also draws the
meshes over the views.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from result_pages import RESULTS, only_rendered
from rig_stills import VIEWS, distances, disturbed, find_shared_data, read_views

from mien.deform import vertex_normals
from mien_training.cameras import project
from mien_training.cameras.calibration import scaled
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.first_mesh import first_mesh, placed_mean_head
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.footage.observations import CameraRecording
from mien_training.footage.scanned.scan import Scan, read_scan
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.scan.scan_landmarks import find_landmarks
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

COUNTS = (3, 9)
TEXT = """
# A real head before calibrated cameras

Renders of a scanned real person (headscan_lps_views), with noise and another exposure in each view,
through the networks that come with mien, which have never seen a real face. Distance of the face's
vertices to the scan after a similarity alignment, as for stills (rig_stills.md: 0.39 mm in 23 s):
median and 90th percentile, millimetres; seconds of one core. Mean over seeds.
"""
COLUMNS = ("views", "row", "median", "p90", "seconds")


def measure(net: CaptureNet, views: list[CameraRecording], metres: float, scan: Scan,
            seed: int, image: Path | None) -> dict[str, Any]:  # fmt: skip
    rng = np.random.default_rng(seed)
    shown = [disturbed(view, rng) for view in views]
    images = [v.images[0] for v in shown]
    cameras = [scaled(v.camera, metres) for v in shown]
    begun = time.perf_counter()
    first = first_mesh(net.correspondence, images, cameras, net.template, net.heads, net.first)
    between = time.perf_counter()
    found = NetPredictor(net).predict(images, cameras, None)
    seconds = time.perf_counter() - between
    polished = NetPredictor(net, PolishConfig()).predict(images, cameras, None)
    heads = {
        "mean head, found pose": (placed_mean_head(net.template, first.located.world_from_mean), 0),
        "3DMM on maps": (first.fit.vertices, 0),
        "moved by pictures": (first.vertices, between - begun),
        "refined": (found.vertices, seconds),
        "polished": (polished.vertices, sum(polished.seconds.values())),
    }
    face = face_region(net.template)
    if image is not None:
        overlay(image, images, cameras, polished.vertices, net)
    return {
        name: [*distances(mesh, face, metres, metres, scan), spent]
        for name, (mesh, spent) in heads.items()
    }


def overlay(path: Path, images: Sequence[NDArray[np.uint8]], cameras: Sequence[Any],
            vertices: NDArray[np.float32], net: CaptureNet) -> None:  # fmt: skip
    """Each view beside itself with the mesh's vertices that face it."""
    normals = vertex_normals(vertices, net.template.triangles)
    tiles = []
    for image, camera in zip(images, cameras, strict=True):
        drawn = image.copy()
        pixels, _ = project(camera, vertices)
        sight = camera.centre - vertices
        facing = (sight * normals).sum(1) > 0.2 * np.linalg.norm(sight, axis=1)
        chosen = facing & net.template.regions["skin"]
        at = np.floor(pixels[chosen]).astype(int).clip(0, (image.shape[1] - 1, image.shape[0] - 1))
        drawn[at[:, 1], at[:, 0]] = (60, 255, 120)
        tiles.append(np.concatenate([image, drawn], 0))
    Image.fromarray(np.concatenate(tiles, 1)).save(path)


def page(record: dict[str, Any]) -> str:
    rows = []
    for count, cases in record["results"].items():
        for name in cases[0]:
            mean = np.mean([case[name] for case in cases], 0)
            rows.append([count, name, *(f"{v:.2f}" for v in mean)])
    return results_page(TEXT, COLUMNS, rows, record["command"])


PAGES = {"capture_scan": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=Path)
    options = parser.parse_args()
    if options.images is not None:
        options.images.mkdir(parents=True, exist_ok=True)
    mesh, renders = (find_shared_data(n) for n in ("headscan_lps", "headscan_lps_views"))
    if mesh is None or renders is None:
        sys.exit("real data 'headscan_lps' or its views are not here (set MIEN_DATA)")
    template = load_template("anny")
    net = CaptureNet.read(options.net, template)
    scan = read_scan(mesh / "LeePerrySmith.glb", texture=mesh / "color.jpg")
    views = read_views(renders)
    metres = find_landmarks(scan, template).rig_from_scan.scale
    results: dict[str, list[dict[str, Any]]] = {}
    for count in COUNTS:
        for seed in range(1, options.seeds + 1):
            drawn = options.images is not None and seed == 1
            path = options.images / f"capture_scan_{count}.png" if drawn else None
            case = [views[n] for n in VIEWS[count]]
            row = measure(net, case, metres, scan, seed, path)
            results.setdefault(f"{count} views", []).append(row)
            print(count, seed, row, flush=True)
    record = {"net": net.digest, "results": results}
    write_results(RESULTS, "capture_scan", "python tests/benchmarks/capture_scan.py", record, page)


if __name__ == "__main__":
    main()
