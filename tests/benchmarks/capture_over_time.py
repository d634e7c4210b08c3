"""What smoothing does to a captured take: a known person performs a real one, with noise.

python tests/benchmarks/capture_over_time.py [--frames 300] [--seeds 3]

Writes docs/results/capture_over_time.json and .md; --render writes the page anew. Needs the take
livelink_rom of docs/data.md ($MIEN_DATA).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from result_pages import RESULTS, only_rendered
from scipy.ndimage import uniform_filter1d
from scipy.optimize import minimize_scalar
from scipy.spatial.transform import Rotation

from mien.clip import Clip
from mien.deform import pose_from_head, skin, vertex_normals
from mien.rotation import quaternion_from_angles
from mien_training.capture.over_time import TakeSmoother, TimeConfig, smooth_take
from mien_training.capture.over_time.shape_filter import SmoothedMesh
from mien_training.capture.skin_regions import skin_regions
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template, rig_from_template
from mien_training.metrics.tables import results_page, write_results
from mien_training.runs.content_key import template_digest
from mien_training.synthetic.performance import generate_performance
from mien_training.synthetic.person import personal_geometry
from mien_training.synthetic.posing import head_matrices
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template
from mien_training.templates.contact_pairs import contact_pairs

DATA = Path(os.environ.get("MIEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
TAKE = "livelink_rom/alex_rom_3.csv"
FIRST, STILL = 600, 60
"""Row of the take where its part begins: many blinks follow; moments that the first is held."""
TEXELS = 1024
NOISE_MM = {"apart": 0.5, "smooth": 0.75, "slow": 0.43}
"""Root mean square of each vertex's error: independent; a smooth field, new each moment; and a
smooth field that changes within half a second. Together 1 mm; 2.5 times that under hair."""
HAIR, SLOW_S = 2.5, 0.5
CLOSED = 0.35
"""Share of the open eye's gap below which it counts as closed."""


@dataclass(frozen=True)
class Known:
    """The truth."""

    template: Template
    take: CapturedMeshes
    """Without noise."""
    shape: NDArray[np.float32]
    """(T, V, 3) head coordinates."""


def known_take(template: Template, seed: int, frames: int) -> Known:
    """The person `seed` holds still, then performs."""
    neutral, deltas = personal_geometry(template, seed, 1.0, 0.0015)
    clip = Clip.read(DATA / TAKE).select(template.shape_names, missing=0.0)
    rows = np.concatenate([np.full(STILL, FIRST), np.arange(FIRST, FIRST + frames)])
    moving = generate_performance(seed, frames / 30 + 1, 30.0).values[:frames, 52:55]
    angles = np.concatenate([np.repeat(moving[:1], STILL, 0), moving]).astype(np.float64)
    # A head does not start from standing still to full speed within one moment.
    ramp = np.clip((np.arange(len(rows)) - STILL) / 15, 0, 1)[:, None]
    angles = angles[:1] + ramp * (angles - angles[:1])
    rig, source = rig_from_template(template, "person", None, None)
    first = np.zeros(len(template.vertices), np.int64)
    first[source] = np.arange(len(source))
    poses = head_matrices(rig, angles)
    vertices = np.empty((len(rows), *neutral.shape), np.float32)
    for t, row in enumerate(rows):
        weights = clip.values[row].clip(0, 1)
        rest = neutral + np.tensordot(weights, deltas, 1)
        bent = skin(rig, rest[source], pose_from_head(rig, quaternion_from_angles(angles[t])))
        vertices[t] = bent[first]
    count = (len(rows), len(neutral))
    take = CapturedMeshes(
        template.name, template_digest(template), np.arange(len(rows)), np.arange(len(rows)) / 30,
        vertices, poses, np.ones(count, np.float16), np.full(count, 4, np.uint8),
        np.full(count, 1e-3, np.float16), ("",) * len(rows),
    )  # fmt: skip
    return Known(template, take, take.in_head())


def captured(known: Known, seed: int) -> CapturedMeshes:
    """What a capture would make of it."""
    rng = np.random.default_rng((seed, 7))
    take, template = known.take, known.template
    hair = skin_regions(template)["scalp"]
    rest = template.vertices.astype(np.float64)
    scale = np.where(hair, HAIR, 1.0)[:, None] * 1e-3 / np.sqrt(3)
    keep = np.exp(-1 / 30 / SLOW_S)
    slow = SmoothField(rng, 3, 0.05, 0.15)(rest)
    noisy, poses = take.vertices.astype(np.float64), take.world_from_head.copy()
    for t in range(len(take)):
        fields = SmoothField(rng, 6, 0.05, 0.15)(rest)
        slow = keep * slow + np.sqrt(1 - keep**2) * fields[:, :3]
        error = NOISE_MM["apart"] * rng.standard_normal(rest.shape)
        error += NOISE_MM["smooth"] * fields[:, 3:] + NOISE_MM["slow"] * slow
        noisy[t] += scale * error
        turn = Rotation.from_rotvec(np.radians(0.3) * rng.standard_normal(3)).as_matrix()
        poses[t, :3, :3] = turn @ poses[t, :3, :3]
        poses[t, :3, 3] += 0.001 * rng.standard_normal(3)
    sure = np.broadcast_to(np.where(hair, 0.2, 0.9), take.confidence.shape).astype(np.float16)
    return replace(take, vertices=noisy.astype(np.float32), world_from_head=poses, confidence=sure)


def ways(smoother: TakeSmoother, mesh: SmoothedMesh) -> dict[str, Any]:
    """Every row of the table: a take to a take."""
    slow_lids = replace(smoother, mesh=replace(mesh, quick=np.zeros_like(mesh.quick)))

    def filtered(take: CapturedMeshes, share: float) -> CapturedMeshes:
        vertices = take.vertices.copy()
        for t in range(1, len(vertices)):
            vertices[t] = vertices[t - 1] + share * (vertices[t] - vertices[t - 1])
        return replace(take, vertices=vertices)

    def averaged(take: CapturedMeshes, size: int) -> CapturedMeshes:
        return replace(take, vertices=uniform_filter1d(take.vertices, size, axis=0, mode="nearest"))

    causal = TimeConfig(mode="causal")
    return {
        "as captured": lambda take: take,
        "mean of 5 moments": lambda take: averaged(take, 5),
        "mean of 9 moments": lambda take: averaged(take, 9),
        "exponential, share 0.5": lambda take: filtered(take, 0.5),
        "exponential, share 0.25": lambda take: filtered(take, 0.25),
        "smoothed, causal": lambda take: smooth_take(take, smoother, causal),
        "smoothed, zero-lag": lambda take: smooth_take(take, smoother),
        "zero-lag, lids as all skin": lambda take: smooth_take(take, slow_lids),
    }


class Judge:
    """Measures of one person's take."""

    def __init__(self, known: Known) -> None:
        self.known = known
        template = known.template
        regions = skin_regions(template)
        self.face, self.lids = regions["face"], regions["lids"]
        pairs = {pair.name: pair for pair in contact_pairs(template)}
        self.pairs = []
        for side in ("Left", "Right"):
            pair = pairs[f"lids{side}"]
            blink = template.shape_deltas[template.shape_names.index(f"eyeBlink{side}")]
            upper = np.flatnonzero(pair.first)
            upper = upper[np.argsort(-np.linalg.norm(blink[upper], axis=1))[:12]]
            lower = np.flatnonzero(pair.second)
            away = np.linalg.norm(
                template.vertices[lower] - (template.vertices + blink)[upper].mean(0), axis=1
            )
            self.pairs.append((upper, lower[np.argsort(away)[:12]]))
        self.normals = np.stack(
            [vertex_normals(v, template.triangles) for v in known.take.vertices]
        )
        self.texel_m = texel_size(template)

    def gaps(self, vertices: NDArray[np.float32]) -> NDArray[np.float64]:
        """(2, T) how far the lids of each eye are apart, metres."""
        return np.stack(
            [
                np.linalg.norm(vertices[:, a].mean(1) - vertices[:, b].mean(1), axis=1)
                for a, b in self.pairs
            ]
        ).astype(np.float64)

    def measures(self, take: CapturedMeshes) -> dict[str, float]:
        truth = self.known.take
        off = (take.vertices - truth.vertices).astype(np.float64)
        still = slice(5, STILL - 5)
        face = off[:, self.face]
        shaky = face[still] - face[still].mean(0)
        steps = np.diff(face[still], axis=0)
        along = off - (off * self.normals).sum(2, keepdims=True) * self.normals
        drift = (along - along.mean(0))[:, self.face] / self.texel_m[self.face][:, None]
        recall, depth, late = self.blinks(take)
        return {
            "jitter of a still face, mm": 1e3 * rms(shaky),
            "step of a still face, mm": 1e3 * rms(steps),
            "error of the face in motion, mm": 1e3 * rms(face[STILL:]),
            "error of the lids, mm": 1e3 * rms(off[STILL:, self.lids]),
            "texture drift, texels": rms(drift[STILL:]),
            "blinks found, %": 100 * recall,
            "their depth, %": 100 * depth,
            "blinks late, ms": 1e3 * late,
            "face late, ms": 1e3 * self.delay(
                take.in_head()[STILL:, self.face], self.known.shape[STILL:, self.face]
            ),
            "head late, ms": 1e3 * self.delay(
                rotations(take)[STILL:], rotations(truth)[STILL:]
            ),
        }  # fmt: skip

    def blinks(self, take: CapturedMeshes) -> tuple[float, float, float]:
        """Share of true blinks that close the eye here too, their depth, their delay, s."""
        true, found = self.gaps(self.known.take.vertices), self.gaps(take.vertices)
        kept, depths, delays = [], [], []
        for a, b in zip(true, found, strict=True):
            wide, least = np.quantile(a, 0.9), a.min()
            shut = (a - least) / (wide - least) < CLOSED
            edges = np.flatnonzero(np.diff(np.r_[0, shut.astype(int), 0]))
            for begin, end in edges.reshape(-1, 2):
                if end - begin > 15:  # eyes kept shut are no blink
                    continue
                near = slice(max(begin - 4, 0), end + 4)
                kept.append((b[near].min() - least) / (wide - least) < CLOSED)
                depths.append((wide - b[near].min()) / (wide - a[near].min()))
                weight = [np.maximum(0.6 - (g[near] - least) / (wide - least), 0) for g in (a, b)]
                centre = [w @ np.arange(len(w)) / max(w.sum(), 1e-9) for w in weight]
                delays.append((centre[1] - centre[0]) / 30)
        return float(np.mean(kept)), float(np.mean(depths)), float(np.mean(delays))

    @staticmethod
    def delay(found: NDArray[Any], truth: NDArray[Any]) -> float:
        """Seconds by which the truth must be delayed to be as near as possible."""
        a = found.reshape(len(found), -1).astype(np.float64)
        b = truth.reshape(len(truth), -1).astype(np.float64)
        moving = np.argsort(-b.std(0))[:300]
        a, b = a[:, moving] - a[:, moving].mean(0), b[:, moving] - b[:, moving].mean(0)
        times = np.arange(len(a))

        def cost(shift: float) -> float:
            at = (times[10:-10] - shift).clip(0, len(b) - 1)
            low = np.floor(at).astype(int).clip(0, len(b) - 2)
            share = (at - low)[:, None]
            moved = (1 - share) * b[low] + share * b[low + 1]
            return float(((a[10:-10] - moved) ** 2).mean())

        return float(minimize_scalar(cost, bounds=(-8, 8), method="bounded").x) / 30


def rms(values: NDArray[np.float64]) -> float:
    """Of the lengths of (..., 3) vectors."""
    return float(np.sqrt((values**2).sum(-1).mean()))


def rotations(take: CapturedMeshes) -> NDArray[np.float64]:
    return take.world_from_head[:, :3, :3].reshape(len(take), 9)


def texel_size(template: Template) -> NDArray[np.float64]:
    """(V,) metres that a texel covers of a texture of TEXELS a side."""
    a, b, c = template.vertices[template.triangles].astype(np.float64).transpose(1, 0, 2)
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    p, q, r = template.uvs[template.uv_triangles].astype(np.float64).transpose(1, 0, 2)
    flat = 0.5 * np.abs(np.cross(q - p, r - p))
    size = np.sqrt(area / np.maximum(flat, 1e-12)) / TEXELS
    total = np.bincount(template.triangles.ravel(), np.repeat(size, 3), len(template.vertices))
    count = np.bincount(template.triangles.ravel(), minlength=len(template.vertices))
    return np.asarray(total / np.maximum(count, 1))


def measure(frames: int, seeds: int) -> dict[str, Any]:
    template = load_template("anny")
    smoother = TakeSmoother.of(template)
    rows: dict[str, list[dict[str, float]]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(seeds):
        known = known_take(template, seed, frames)
        judge, take = Judge(known), captured(known, seed)
        for name, way in ways(smoother, smoother.mesh).items():
            begun = time.process_time()
            found = way(take)
            seconds.setdefault(name, []).append(time.process_time() - begun)
            rows.setdefault(name, []).append(judge.measures(found))
            print(seed, name, {k: round(v, 2) for k, v in rows[name][-1].items()}, flush=True)
    return {
        "frames": frames, "rows": rows,
        "ms_a_moment": {n: 1e3 * float(np.mean(s)) / (frames + STILL) for n, s in seconds.items()},
    }  # fmt: skip


def page(record: dict[str, Any]) -> str:
    rows = record["rows"]
    first = next(iter(rows.values()))
    lags = TimeConfig()
    text = f"""# Captured takes over time

{len(first)} people outside the template's basis, known in every vertex, hold still for {STILL}
moments and then perform {record["frames"]} moments of a real range-of-motion take at 30 a second,
while the head turns. Every moment gets errors as a capture makes them, 1 mm root mean square:
{NOISE_MM["apart"]} mm of each vertex alone, {NOISE_MM["smooth"]} mm as a smooth field, new in each
moment, {NOISE_MM["slow"]} mm as one that changes within {SLOW_S} s; {HAIR} times that under
hair, where confidence is 0.2; poses are off by 0.3 degrees and 1 mm an axis. "Step" is the distance
from one moment to the next. Drift is what moves along the skin, about its mean over the take, in
texels of a texture of {TEXELS} a side. A blink is found where the lids come as near as
{round(100 * CLOSED)} % of the open eye's gap. Lateness is the delay of the truth that fits best.
Stated lag of the causal mode at rest: pose {1e3 * lags.pose.turn.lag_s():.0f} ms, skin
{1e3 * lags.shape.skin.lag_s():.0f} ms, lids and lips {1e3 * lags.shape.quick.lag_s():.0f} ms; in
motion less: skin at 0.1 m a second {1e3 * lags.shape.skin.lag_s(0.1):.0f} ms, a head that
turns by 1 radian a second {1e3 * lags.pose.turn.lag_s(1.0):.0f} ms. Means over the people."""
    columns = list(first[0])
    cells = [
        [name, *(float(np.mean([one[c] for one in found])) for c in columns),
         record["ms_a_moment"][name]]
        for name, found in rows.items()
    ]  # fmt: skip
    return results_page(text, ["", *columns, "CPU ms a moment"], cells, record["command"])


PAGES = {"capture_over_time": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    command = (
        f"python tests/benchmarks/capture_over_time.py --frames {options.frames} "
        f"--seeds {options.seeds}"
    )
    record = measure(options.frames, options.seeds)
    write_results(RESULTS, "capture_over_time", command, record, page)


if __name__ == "__main__":
    main()
