"""Which cameras of a take are off, and what is left when they are corrected.

python tests/benchmarks/capture_cameras.py [--seeds 4] [--net NET] [--captured 20]

Correspondences are simulated; and, of as many moments as --captured says, those of the networks
that capture strangers before random rigs, kept in runs/capture_cameras, by net. Writes
docs/results/capture_cameras.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from scipy.spatial.transform import Rotation

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.cameras import Camera, project
from mien_training.cameras.check.camera_check import CheckConfig, check_cameras
from mien_training.cameras.check.rig_gauge import align_rig, image_offsets
from mien_training.cameras.check.sightings import Sightings, linearise
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.trust.camera_sightings import camera_residuals, spread_vertices
from mien_training.footage.captured import MomentSightings
from mien_training.head import Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.synthetic.capture import CaptureSpec, draw_moment
from mien_training.synthetic.capture.calibration_errors import believed_cameras
from mien_training.synthetic.capture.line_of_sight import LinesOfSight
from mien_training.synthetic.capture.rigs import RigSpec, draw_rig
from mien_training.synthetic.capture.spec import HELD_OUT, SeedRange
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template

KEPT = Path("runs/capture_cameras")
Maker = tuple[str, int, Callable[[int], Sightings]]
"""Kind of correspondences, cameras, and what makes them by seed."""
SIDE, PLACES, PER_VIEW = 192, 160, 60
MOMENTS, OFF_PX, VIEWS = (5, 10, 20, 40), (0.0, 0.5, 1.0, 2.0), (4, 8)
NOISE_M, STEADY, SHAPE_M = 0.006, 0.1, 0.0015
"""Of a correspondence: root mean square, the share of its variance that stays the same in each
camera; and how wrong the shape of the mesh is."""
WAVES_M = (0.05, 0.15)
LEAST_COSINE = 0.3
CLOUD = np.stack(np.meshgrid(*[[-0.1, 0.0, 0.1]] * 3), -1).reshape(-1, 3)


def simulated(template: Template, seed: int, views: int) -> Sightings:
    """What a rig saw of a head that turns and moves, MOMENTS[-1] times; its cameras are right."""
    rng = np.random.default_rng((seed, views, 5))
    cameras = draw_rig(RigSpec(views=(views, views), long_side=SIDE), 100 * seed + views)
    rest = template.vertices.astype(np.float64) - HEAD_CENTRE
    normals = vertex_normals(template.vertices, template.triangles).astype(np.float64)
    chosen = spread_vertices(template, PLACES)
    size = NOISE_M / np.sqrt(3)
    steady = [SmoothField(rng, 3, *WAVES_M)(rest[chosen]) for _ in cameras]
    own = rest[chosen] + SHAPE_M / np.sqrt(3) * SmoothField(rng, 3, *WAVES_M)(rest[chosen])
    camera, point, pixel, points = [], [], [], []
    for t in range(MOMENTS[-1]):
        turn = Rotation.from_rotvec(rng.normal(0, (0.2, 0.35, 0.12))).as_matrix()
        shift = rng.uniform(-0.08, 0.08, 3)
        world, facing = rest @ turn.T + shift, normals @ turn.T
        sight = LinesOfSight(world.astype(np.float32), template.triangles)
        at, out = world[chosen], facing[chosen]
        points.append(own @ turn.T + shift)
        for c, one in enumerate(cameras):
            towards = one.centre - at
            cosine = (towards * out).sum(1) / np.linalg.norm(towards, axis=1)
            seen = sight.seen(at.astype(np.float32), out.astype(np.float32), one)
            members = np.flatnonzero(seen & (cosine > LEAST_COSINE))
            members = np.sort(rng.permutation(members)[:PER_VIEW])
            error = np.sqrt(1 - STEADY) * SmoothField(rng, 3, *WAVES_M)(rest[chosen])
            error = size * (error + np.sqrt(STEADY) * steady[c])
            pixel.append(project(one, at[members] + error[members] @ turn.T)[0])
            camera.append(np.full(len(members), c))
            point.append(t * PLACES + members)
    every = np.concatenate(camera)
    return Sightings(
        cameras, every, np.concatenate(point), np.concatenate(pixel), np.ones(len(every)),
        np.concatenate(points), np.repeat(np.arange(MOMENTS[-1]), PLACES),
    )  # fmt: skip


def captured(net: CaptureNet, seed: int, moments: int) -> Sightings:
    """What networks make of a stranger before a rig of 8, whose cameras are right."""
    own = SeedRange(HELD_OUT.first + 30 + seed, 1)
    spec = CaptureSpec(
        people=own, rigs=own, rig=RigSpec(views=(VIEWS[-1], VIEWS[-1]), long_side=256)
    )
    folder = KEPT / net.digest[:12] / f"{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    predictor, found = NetPredictor(net), []
    for number in range(moments):
        path = folder / f"{number}.npz"
        if not path.exists():
            moment = draw_moment(spec, net.template, 1000 * seed + number)
            try:
                result = predictor.predict(list(moment.images), moment.cameras, None)
                told = MomentSightings.none() if result.failure else result.sightings
            except InputError:
                told = MomentSightings.none()
            write_arrays(path, {f.name: getattr(told, f.name) for f in fields(MomentSightings)})
        found.append(MomentSightings(**read_arrays(path)))
    cameras = draw_rig(spec.rig, spec.rig_seed(0))
    names = [f"cam{c}" for c in range(len(cameras))]
    return camera_residuals(names, cameras, np.arange(moments) / 30, found).sightings()


def believed(seen: Sightings, cameras: tuple[Camera, ...], moments: int) -> Sightings:
    """The first moments with other cameras, and each head where these would have it: shapes stay,
    the rigid pose fits all of them."""
    first = seen.chosen(seen.moment[seen.point] < moments)
    some = np.flatnonzero(seen.moment < moments)
    new = np.full(len(seen.points), -1)
    new[some] = np.arange(len(some))
    cut = replace(
        first, cameras=cameras, point=new[first.point], points=seen.points[some],
        moment=seen.moment[some],
    )  # fmt: skip
    points = cut.points.copy()
    for _ in range(3):
        lines = linearise(cut, cameras, points, np.zeros(3))
        moved = points.copy()
        for t in range(moments):
            own = cut.moment[cut.point] == t
            middle = points[cut.moment == t].mean(0)
            arm = points[cut.point[own]] - middle
            turning = [
                np.einsum("nij,nj->ni", lines.by_point[own], np.cross(axis, arm))
                for axis in np.eye(3)
            ]
            rows = np.concatenate([np.stack(turning, -1), lines.by_point[own]], 2)
            per_metre = 1 / np.maximum(lines.scale[own], 1e-9)
            step = -np.linalg.lstsq(
                (rows * per_metre[:, None, None]).reshape(-1, 6),
                (lines.residual[own] * per_metre[:, None]).ravel(), rcond=None,
            )[0]  # fmt: skip
            turn = Rotation.from_rotvec(step[:3]).as_matrix()
            mine = cut.moment == t
            moved[mine] = (points[mine] - middle) @ turn.T + middle + step[3:]
        points = moved
    return replace(cut, points=points)


def left_over(true: tuple[Camera, ...], found: tuple[Camera, ...], cloud: Any) -> Any:
    """(C,) pixels by which images are off once the rigs lie over each other."""
    aligned, _ = align_rig(true, found, cloud)
    return image_offsets(true, aligned, cloud)[0]


def measure(makers: list[Maker], seeds: int) -> dict[str, Any]:
    rows = []
    config = CheckConfig(least_moments=1, least_sightings=40)
    for kind, views, make in makers:
        for seed in range(seeds):
            seen = make(seed)
            true, count = seen.cameras, len(seen.cameras)
            taken = int(seen.moment.max(initial=-1)) + 1
            unit = SIDE / max(max(c.width, c.height) for c in true)
            cloud = CLOUD + seen.points.mean(0)
            rng = np.random.default_rng((seed, 6))
            bad = int(rng.integers(count))
            for off in OFF_PX:
                wrong = list(true)
                pixels = off * max(true[bad].width, true[bad].height) / SIDE
                wrong[bad] = believed_cameras([true[bad]], cloud, pixels, 999 + seed)[0]
                before = left_over(true, tuple(wrong), cloud)
                for moments in (m for m in MOMENTS if m <= taken):
                    told = check_cameras(believed(seen, tuple(wrong), moments), config)
                    after = left_over(true, told.corrected, cloud)
                    mean = np.linalg.norm(told.residual_px, axis=1)
                    rows.append({
                        "kind": kind, "views": views, "off": off, "moments": moments, "seed": seed,
                        "named": bool(told.suspect[bad]),
                        "accused": int(np.delete(told.suspect, bad).sum()) if off
                        else int(told.suspect.sum()),
                        "residual": unit * float(mean[bad]),
                        "residual elsewhere": unit * float(np.nanmax(np.delete(mean, bad))),
                        "found": unit * float(told.off_px[bad]),
                        "off_mm": (1e3 * told.off_m).round(2).tolist(), "bad": bad,
                        "before": unit * float(before[bad]), "after": unit * float(after[bad]),
                        "mean before": unit * float(before.mean()),
                        "mean after": unit * float(after.mean()),
                    })  # fmt: skip
                    print(rows[-1], flush=True)
    return {"seeds": seeds, "rows": rows}


def page(record: dict[str, Any]) -> str:
    rows = record["rows"]
    limits = CheckConfig()
    source = f"""Simulated correspondences: {PER_VIEW} places a camera and moment, each off by
{1e3 * NOISE_M:.0f} mm root mean square in a smooth field ({100 * WAVES_M[0]:.0f} to
{100 * WAVES_M[1]:.0f} cm) of its own for every camera and moment, of which {100 * STEADY:.0f} % of
the variance stay the same in a camera; the mesh's shape is {1e3 * SHAPE_M} mm wrong, and its pose
fits the wrong cameras; images have {SIDE} pixels, 1.8 mm each. Captured ones are what the networks
that come with mien make of strangers, hair, glasses and clothes included, in pictures of 256
pixels (told in pixels of {SIDE}, too); captured with right cameras, then each head posed as the
wrong ones would have it."""
    text = f"""# Cameras that are off

One camera of a random rig is off by so many pixels of {SIDE} (turned, moved, zoomed and decentred
alike), root mean square over a head; which one, rigs and takes differ between
{record["seeds"]} seeds. {source}

"Mean residual" is that of predicted minus seen pixels, of the wrong camera and the largest
elsewhere: the mesh gives way, so that good cameras show some of it. "Found" is how far the
correction moves the wrong camera's images. "Named": takes whose wrong camera is called off;
"falsely": right cameras that are called off, of all. `mien cameras check` calls nobody off below
{limits.least_moments} moments; here it may. Only cameras that are called off are corrected. "Wrong
camera" and "all cameras": pixels by which images are off before and after `--refine`, with the
rigs laid over each other. Means."""
    columns = [
        "correspondences", "views", "off, px", "moments", "mean residual, px", "elsewhere, px",
        "found, px", "named, %", "falsely, %", "wrong camera: before, px", "after, px",
        "all cameras: before, px", "after all, px",
    ]  # fmt: skip
    cells = []
    keys = ("kind", "views", "off", "moments")
    for key in dict.fromkeys(tuple(r[k] for k in keys) for r in rows):
        some = [r for r in rows if tuple(r[k] for k in keys) == key]
        _, views, off, _ = key

        def mean(name: str, some: list[dict[str, Any]] = some) -> float:
            return round(float(np.mean([r[name] for r in some])), 4)

        others = views - 1 if off else views
        cells.append([
            *key, mean("residual"), mean("residual elsewhere"), mean("found"),
            100 * mean("named") if off else None, 100 * mean("accused") / others,
            mean("before"), mean("after"), mean("mean before"), mean("mean after"),
        ])  # fmt: skip
    return results_page(text, columns, cells, record["command"])


PAGES = {"capture_cameras": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--captured", type=int, default=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    template = load_template("anny")
    net = CaptureNet.read(options.net, template)
    makers: list[Maker] = [
        ("simulated", views, lambda seed, views=views: simulated(template, seed, views))
        for views in VIEWS
    ]
    makers.append(("captured", VIEWS[-1], lambda seed: captured(net, seed, options.captured)))
    record = measure(makers, options.seeds) | {"net": net.digest}
    command = f"python tests/benchmarks/capture_cameras.py --seeds {options.seeds}"
    command += f" --captured {options.captured}"
    write_results(RESULTS, "capture_cameras", command, record, page)


if __name__ == "__main__":
    main()
