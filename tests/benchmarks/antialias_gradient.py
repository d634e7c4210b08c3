"""Do images of a dense head have the gradient that supersampled images show?

python tests/benchmarks/antialias_gradient.py   writes docs/results/antialias_gradient.json and .md

Derivatives of a smooth function of the image along motions of the whole default head, by the
renderer with different antialiasing, against central differences of images with many samples in
each pixel. DEODR joins in where it is installed (`pip install deodr`).
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from rival_antialiasing import DeodrMesh, PerTriangle
from torch import Tensor

from mien_training.cameras.camera import clip_from_camera, look_at_camera
from mien_training.metrics.tables import write_results
from mien_training.rendering.antialiasing.antialias import EdgeTopology, antialias, still
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.templates import load_template

SIDES = (128, 256)
SWEEP = (64, 96, 128, 192, 256, 384, 512)
"""Images to see what falls with the resolution: that is sampling, the rest would be a flaw."""
FINE = 1536
"""Samples along a side of the true image."""
STEP = 1e-3
"""Of the central differences: metres, radians, or share of the size."""
SHIFTS = ((0.25, 0.25), (-0.25, 0.25), (0.25, -0.25), (-0.25, -0.25))
"""Of the true image's grid, samples: the mean over them is the truth."""
SEED = 3
BACKGROUND = 0.1
REPEATS = 5
CAMERA = look_at_camera((0.1, 0.05, 0.9), (0, 0, 0), 0.42, 256, 256)
CLIP = torch.tensor(clip_from_camera(CAMERA) @ CAMERA.camera_from_world)
_RNG = np.random.default_rng(SEED)
LIGHT = torch.tensor(np.concatenate([[[0.8, 0.7, 0.6]], _RNG.normal(0, 0.18, (8, 3))]))
"""(9, 3) spherical harmonics."""
LOOKS = ("mask", "shaded")

Render = Callable[[Tensor, int, bool], Tensor]
"""Vertices (V, 3), pixels along a side, shaded or not -> (1, side, side, C)."""


def lit(normal: Tensor) -> Tensor:
    """(..., 3) light on unit normals (..., 3)."""
    x, y, z = normal.unbind(-1)
    one = torch.ones_like(x)
    basis = [one, x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1]
    return torch.stack(basis, -1) @ LIGHT


class Head:
    """The default head, its motions, and every way to render it."""

    def __init__(self) -> None:
        template = load_template("anny")
        vertices = torch.tensor(template.vertices, dtype=torch.float64)
        self.vertices = vertices - vertices.mean(0)
        self.faces = torch.tensor(template.triangles, dtype=torch.int64)
        self.topology = EdgeTopology.of(self.faces)
        self.per_triangle = PerTriangle(self.faces)
        self.deodr = DeodrMesh(self.faces) if importlib.util.find_spec("deodr") else None

    def motions(self) -> dict[str, Tensor]:
        """(V, 3) velocities; the bump is a nose that grows up and out."""
        v = self.vertices
        axes = torch.eye(3, dtype=v.dtype)
        nose = v[v[:, 2].argmax()]
        bump = torch.exp(-((v - nose) ** 2).sum(1, keepdim=True) / (2 * 0.02**2))
        return {
            "translate x": axes[0].expand_as(v), "translate y": axes[1].expand_as(v),
            "translate z": axes[2].expand_as(v), "scale": v,
            "rotate y": torch.stack([v[:, 2], torch.zeros_like(v[:, 0]), -v[:, 0]], 1),
            "bump": bump * (axes[1] + 0.5 * axes[2]),
        }  # fmt: skip

    def normals(self, vertices: Tensor) -> Tensor:
        a, b, c = vertices[self.faces].unbind(1)
        across = torch.linalg.cross(b - a, c - a)
        total = torch.zeros_like(vertices)
        for corner in range(3):
            total = total.index_add(0, self.faces[:, corner], across)
        return torch.nn.functional.normalize(total, dim=-1)

    def clip(self, vertices: Tensor) -> Tensor:
        return (torch.cat([vertices, torch.ones_like(vertices[:, :1])], 1) @ CLIP.T)[None]

    def render(
        self,
        vertices: Tensor,
        side: int,
        shaded: bool,
        scheme: str = "none",
        shift: tuple[float, float] = (0, 0),
    ) -> Tensor:
        clip = self.clip(vertices)
        offset = clip.new_tensor([2 * shift[0] / side, 2 * shift[1] / side, 0, 0])
        clip = clip + offset * clip[..., 3:]
        out = rasterize(clip, self.faces, (side, side))
        if scheme == "this":
            out = still(out)
        seen = (out.tri_id >= 0)[..., None]
        if shaded:
            normal = interpolate(self.normals(vertices), self.faces, out)
            normal = torch.nn.functional.normalize(normal, dim=-1)
            image = torch.where(seen, lit(normal), BACKGROUND)
        else:
            image = torch.where(seen, 1.0, BACKGROUND).to(clip.dtype)
        if scheme == "per triangle":
            return self.per_triangle(image, out, clip)
        if scheme in ("outlines", "this"):
            return antialias(image, out, clip, self.faces, self.topology)
        return image

    def render_deodr(self, vertices: Tensor, side: int, shaded: bool) -> Tensor:
        assert self.deodr is not None
        colour = lit(self.normals(vertices)) if shaded else torch.ones_like(vertices[:, :1])
        return self.deodr(self.clip(vertices), colour, BACKGROUND, side)

    def schemes(self) -> dict[str, Render]:
        def of(scheme: str) -> Render:
            return lambda v, side, shaded: self.render(v, side, shaded, scheme)

        names = {
            "mien": "this", "outlines only": "outlines", "per triangle": "per triangle",
            "no antialiasing": "none",
        }  # fmt: skip
        found = {name: of(scheme) for name, scheme in names.items()}
        if self.deodr is not None:
            found["DEODR"] = self.render_deodr
        return found


def loss(image: Tensor, side: int) -> Tensor:
    """A smooth function of a (1, n * side, n * side, C) image, per unit of area."""
    n = image.shape[1] // side
    image = image.reshape(side, n, side, n, -1).mean((1, 3))
    y, x = torch.meshgrid(*[(torch.arange(side) + 0.5) / side] * 2, indexing="ij")
    weight = (1 + 0.7 * torch.cos(5 * x + 1) * torch.cos(4 * y - 0.5)).to(image.dtype)[..., None]
    return (image * weight * image.new_tensor([1.0, 0.7, 0.4][: image.shape[-1]])).sum() / side**2


@torch.no_grad()
def truth(head: Head) -> dict[tuple[str, int], dict[str, tuple[float, float]]]:
    """Look and side -> motion -> derivative and its standard error over the shifted grids."""
    found: dict[tuple[str, int], dict[str, tuple[float, float]]] = {}
    for name, motion in head.motions().items():
        for look in LOOKS:
            slopes: dict[int, list[float]] = {side: [] for side in SIDES}
            for shift in SHIFTS:
                high, low = (
                    head.render(head.vertices + s * motion, FINE, look == "shaded", shift=shift)
                    for s in (STEP, -STEP)
                )
                for side in SIDES:
                    rise = float(loss(high, side) - loss(low, side))
                    slopes[side].append(rise / (2 * STEP))
            for side, values in slopes.items():
                error = np.std(values, ddof=1) / len(values) ** 0.5
                found.setdefault((look, side), {})[name] = (float(np.mean(values)), float(error))
    return found


def gradient(head: Head, render: Render, side: int, look: str) -> tuple[Tensor, float, float]:
    """(V, 3) by the vertices; milliseconds forward and backward, the least of some."""
    forward, backward = [], []
    for _ in range(REPEATS):
        vertices = head.vertices.clone().requires_grad_(True)
        start = time.perf_counter()
        value = loss(render(vertices, side, look == "shaded"), side)
        middle = time.perf_counter()
        if value.requires_grad:  # a mask without antialiasing has none
            value.backward()
        end = time.perf_counter()
        forward.append(1e3 * (middle - start))
        backward.append(1e3 * (end - middle))
    found = vertices.grad if vertices.grad is not None else torch.zeros_like(vertices)
    return found, min(forward), min(backward)


def sweep(head: Head, slopes: dict[str, tuple[float, float]]) -> dict[str, list[float]]:
    """Scheme -> worst error of shaded images at each side of SWEEP, share of the steepest."""
    motions, steepest = head.motions(), max(abs(value) for value, _ in slopes.values())
    schemes = head.schemes()
    mien = schemes["mien"]
    # `loss` averages blocks of pixels.
    schemes["mien, 2 x 2 samples"] = lambda v, side, shaded: mien(v, 2 * side, shaded)
    found = {}
    for name, render in schemes.items():
        found[name] = []
        for side in SWEEP:
            vertices = head.vertices.clone().requires_grad_(True)
            loss(render(vertices, side, True), side).backward()
            grad = vertices.grad
            errors = (float((grad * way).sum()) - slopes[m][0] for m, way in motions.items())
            found[name].append(max(map(abs, errors)) / steepest)
    return found


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    head = Head()
    motions, true, schemes = head.motions(), truth(head), head.schemes()
    tables = []
    for (look, side), slopes in true.items():
        steepest = max(abs(value) for value, _ in slopes.values())
        rows = []
        for name, render in schemes.items():
            grad, forward, backward = gradient(head, render, side, look)
            found = {m: float((grad * way).sum()) for m, way in motions.items()}
            worst = max(abs(found[m] - slopes[m][0]) for m in motions) / steepest
            rows.append(
                {
                    "scheme": name, "slopes": found, "worst_error": worst,
                    "forward_ms": forward, "backward_ms": backward,
                    "largest_vertex": float(grad.norm(dim=1).max()),
                }
            )  # fmt: skip
        tables.append(
            {
                "look": look, "side": side, "rows": rows,
                "truth": {m: value for m, (value, _) in slopes.items()},
                "truth_standard_error": {m: error for m, (_, error) in slopes.items()},
            }
        )  # fmt: skip
    packages = ["mien", "torch", "numpy", "anny", "warp-lang"]
    record = {
        "load_average": os.getloadavg()[0],
        "versions": {p: version(p) for p in packages + ["deodr"] * (head.deodr is not None)},
        "triangles": len(head.faces),
        "seed": SEED,
        "fine_side": FINE,
        "step": STEP,
        "tables": tables,
        "sweep_sides": SWEEP,
        "sweep": sweep(head, true["shaded", max(SIDES)]),
    }
    command = "python tests/benchmarks/antialias_gradient.py"
    write_results(RESULTS, "antialias_gradient", command, record, page)


def page(result: dict) -> str:
    motions = list(result["tables"][0]["truth"])
    lines = [
        "# Gradients of images, against supersampled ones",
        "",
        f"`{result['command']}`: the default head ({result['triangles']} triangles), float64, "
        f"one thread, load average {result['load_average']:.1f}; {result['machine']}; light of "
        f"seed {result['seed']}; "
        + ", ".join(f"{p} {v}" for p, v in result["versions"].items())
        + ".",
        "",
        "Derivative x 1000 of a smooth function of the image along motions of the head. Truth: "
        f"central differences (step {result['step']:g}) of images with {result['fine_side']}^2 "
        f"samples, mean over {len(SHIFTS)} shifts of the grid, with its standard error below. "
        "Worst: the largest error among the motions, as a share of the steepest one's truth; "
        "spike: the largest gradient at one vertex x 1000. Times: image, shading and loss "
        f"forward, then backward, the least of {REPEATS}.",
        "",
        "mien: `antialias` of an image shaded through `still`. Outlines only: the same with the "
        "shading differentiated through barycentric weights. Per triangle: nvdiffrast's scheme, "
        "our code. DEODR shades at vertices, without perspective correction and back faces.",
    ]
    for table in result["tables"]:
        lines += [
            "",
            f"## {table['look'].capitalize()}, {table['side']} x {table['side']}",
            "",
            "| | " + " | ".join(motions) + " | worst | spike | forward ms | backward ms |",
            "|" + "---|" * (len(motions) + 5),
        ]
        for label, values in (
            ("truth", table["truth"]),
            ("its error", table["truth_standard_error"]),
        ):
            cells = " | ".join(f"{1e3 * values[m]:.1f}" for m in motions)
            lines.append(f"| {label} | {cells} | | | | |")
        for row in table["rows"]:
            cells = " | ".join(f"{1e3 * row['slopes'][m]:.1f}" for m in motions)
            lines.append(
                f"| {row['scheme']} | {cells} | {row['worst_error']:.1%} | "
                f"{1e3 * row['largest_vertex']:.2f} | {row['forward_ms']:.0f} | "
                f"{row['backward_ms']:.0f} |"
            )
    lines += [
        "",
        "## Shaded: worst error by the side of the image",
        "",
        "| | " + " | ".join(map(str, result["sweep_sides"])) + " |",
        "|" + "---|" * (len(result["sweep_sides"]) + 1),
    ]
    for name, errors in result["sweep"].items():
        lines.append(f"| {name} | " + " | ".join(f"{error:.1%}" for error in errors) + " |")
    return "\n".join(lines) + "\n"


PAGES = {"antialias_gradient": page}

if __name__ == "__main__":
    main()
