"""Whether a net that learns from scans comes nearer to them than the registrations it is given.

python tests/benchmarks/capture_scans_tune.py [--net NET] [--moments 40] [--steps 120]
    [--seeds 1 2 3]

People whom no training has seen, before one rig, with simulated scans. Registrations of theirs are
bent by one smooth field. Readings are kept in runs/capture_scans_tune, by net. Writes
docs/results/capture_scans_tune.json and .md; --render writes the page anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.default_net import DEFAULT_NET
from mien_training.capture.first_mesh import first_mesh
from mien_training.capture.learning.scan_reading import ScanReading
from mien_training.capture.refinement.scan_loss import ScanLoss, ScanTerms
from mien_training.capture.scans.read_scans import scan_reading
from mien_training.capture.scans.train_on_scans import ScanTraining, train_on_scans
from mien_training.capture.skin_regions import skin_regions
from mien_training.footage.scanned.scan_points import SurfacePoints
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS
from mien_training.metrics.tables import results_page, write_results
from mien_training.synthetic.capture.moments import draw_moment
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.scans import ScanSpec
from mien_training.synthetic.capture.spec import HELD_OUT, CaptureSpec, SeedRange
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template

Figures = dict[str, list[float]]
"""Row -> distances, millimetres, as in COLUMNS."""
KEPT = Path("runs/capture_scans_tune")
BENT_M = 0.003
"""Two per cent of a head's breadth, root mean square of the field's length."""
CASTS = {"two people": 2, "strangers": 1_000}
TEXT = """
# Capture tuned on scans

{moments} moments of people whom no training has seen, before one rig of {views} cameras; {held} of
them are held out, and as many choose the best state: of the same two people, as where a cast is
scanned before it performs, and each of another one. Registrations bent by one smooth field,
{bent:.1f} mm root mean square, 2 % of a head's breadth; the scans have noise, holes and outliers.
Distance of the true vertices of held-out moments from the surface that was found, of those that two
cameras see: median and mean of the face and of all skin, and mean distance of corresponding
vertices, millimetres; mean and deviation over seeds of field and order. {steps} steps each; in all
rows the state is chosen by scans, and is the one before where none is nearer to them.
"""
COLUMNS = (
    "people", "row", "face, median", "face, mean", "skin, median", "skin, mean", "face, vertices"
)  # fmt: skip
ROWS = {
    "tuned on registrations alone": ScanTerms(0.0, 0.0, 0.0, 0.0, 1.0),
    "tuned on scans, no edges": ScanTerms(edges=0.0, vertices=0.0),
    "tuned on scans and edges": ScanTerms(),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One moment."""

    moment: ScanReading
    """Without a registration."""
    truth: NDArray[np.float32]
    """(V, 3) head space, metres."""
    neutral: NDArray[np.float32]
    """(V, 3) truth in rig space: where the field is looked up."""
    seen: NDArray[np.bool_]
    """(V,) by two cameras."""


def cases(net: CaptureNet, cast: str, moments: int) -> list[Case]:
    """Of the first moments in which a head is found."""
    spec = CaptureSpec(
        people=SeedRange(HELD_OUT.first + 60, CASTS[cast]), rigs=SeedRange(HELD_OUT.first + 5, 1),
        rig=RigSpec(views=(6, 6), layouts=("dome",), long_side=256), scan=ScanSpec(points=30_000),
    )  # fmt: skip
    folder = KEPT / net.digest[:12] / cast
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for seed in range(moments):
        path, own = folder / f"{seed}.npz", folder / f"{seed}_truth.npz"
        if not path.exists():
            moment = draw_moment(spec, net.template, seed)
            assert moment.scan is not None
            scan = SurfacePoints(*(x.astype(np.float64)
                                   for x in (moment.scan.points, moment.scan.normals)))  # fmt: skip
            try:
                with torch.no_grad():
                    first = first_mesh(
                        net.correspondence, list(moment.images), moment.cameras, net.template,
                        net.heads, net.first,
                    )  # fmt: skip
                scan_reading(net, first, scan).write(path)
            except InputError as reason:
                print(seed, reason, flush=True)
                continue
            pose, skull = first.fit.world_from_head, moment.world_from_head
            np.savez(
                own, truth=_in(moment.vertices, pose), neutral=_in(moment.vertices, skull),
                seen=moment.visible.sum(0) >= 2,
            )  # fmt: skip
        with np.load(own) as kept:
            found.append(Case(ScanReading.read(path), **{k: kept[k] for k in kept.files}))
    return found


def _in(points: NDArray[np.float32], pose: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray((points - pose[:3, 3]) @ pose[:3, :3], np.float32)


def bent(case: Case, field: SmoothField) -> NDArray[np.float32]:
    """(V, 3) the truth, bent by a field that is the same for everybody."""
    return np.asarray(case.truth + BENT_M / 3**0.5 * field(case.neutral), np.float32)


def measure(net: CaptureNet, cast: str, every: Sequence[Case], steps: int, seed: int) -> Figures:
    """Of held-out moments."""
    field = SmoothField(np.random.default_rng((seed, 7)), 3, 0.15, 0.3)
    held = held_of(every)
    judged, folder = every[-held:], KEPT / net.digest[:12] / cast / f"bent_{seed}"
    folder.mkdir(exist_ok=True)
    scans = []
    for n, case in enumerate(every[:-held]):
        registered = replace(case.moment.reading, truth=bent(case, field))
        scans.append(folder / f"{n}.npz")
        replace(case.moment, reading=registered).write(scans[-1])
    found = {"bent registrations": _figures(net, judged, [bent(c, field) for c in judged])}
    found["net before"] = _judged(net, judged)
    for name, terms in ROWS.items():
        loss = ScanLoss.of(net.template, net.linear.chosen, terms)
        tuning = ScanTraining(steps, seed=seed, terms=terms)
        tuned = train_on_scans(net.linear, loss, tuning, scans[:-held], scans[-held:])
        found[name] = _judged(replace(net, linear=tuned.linear), judged)
    for name, figures in found.items():
        print(cast, seed, name, [round(v, 3) for v in figures], flush=True)
    return found


def held_of(every: Sequence[Case]) -> int:
    """Moments that judge; as many before them choose the best state."""
    return max(1, len(every) // 5)


def _judged(net: CaptureNet, judged: Sequence[Case]) -> list[float]:
    return _figures(net, judged, [_mesh(net, case) for case in judged])


def _mesh(net: CaptureNet, case: Case) -> NDArray[np.float32]:
    mesh = case.moment.reading.start.copy()
    mesh[net.linear.chosen.numpy()] = net.corrected(case.moment.reading).places
    return mesh


def _figures(
    net: CaptureNet, judged: Sequence[Case], meshes: Sequence[NDArray[np.float32]]
) -> list[float]:
    template = net.template
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    parts = skin_regions(template)
    whole = np.zeros(len(template.vertices), np.bool_)
    whole[net.linear.chosen.numpy()] = True
    rows = []
    for case, mesh in zip(judged, meshes, strict=True):
        far = 1e3 * nearest_on_surface(mesh, skin, case.truth).distance
        face, every = parts["face"] & case.seen, whole & case.seen
        off = 1e3 * np.linalg.norm(mesh - case.truth, axis=1)
        rows.append([
            np.median(far[face]), far[face].mean(), np.median(far[every]), far[every].mean(),
            off[face].mean(),
        ])  # fmt: skip
    return [float(v) for v in np.mean(rows, 0)]


def page(record: dict[str, Any]) -> str:
    rows = []
    for cast, results in record["results"].items():
        for name in next(iter(results.values())):
            every = np.array([result[name] for result in results.values()])
            cells = [f"{m:.2f} ± {d:.2f}" for m, d in zip(every.mean(0), every.std(0), strict=True)]
            rows.append([cast, name, *cells])
    told = {k: record[k] for k in ("moments", "held", "views", "steps")}
    text = TEXT.format(**told, bent=1e3 * BENT_M)
    return results_page(text, COLUMNS, rows, record["command"])


PAGES = {"capture_scans_tune": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", type=Path, default=DEFAULT_NET)
    parser.add_argument("--moments", type=int, default=40)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = CaptureNet.read(options.net, load_template("anny"))
    results: dict[str, dict[int, Figures]] = {}
    for cast in CASTS:
        every = cases(net, cast, options.moments)
        counts = {"moments": len(every), "held": held_of(every)}
        results[cast] = {s: measure(net, cast, every, options.steps, s) for s in options.seeds}
    record = {
        "net": net.digest, **counts,
        "views": len(every[0].moment.reading.K), "steps": options.steps, "results": results,
    }  # fmt: skip
    command = f"python tests/benchmarks/capture_scans_tune.py --moments {options.moments}"
    command += f" --steps {options.steps} --seeds {' '.join(map(str, options.seeds))}"
    write_results(RESULTS, "capture_scans_tune", command, record, page)


if __name__ == "__main__":
    main()
