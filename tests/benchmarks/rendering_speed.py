"""Milliseconds an image of the default head, one thread: training size and preview size.

python tests/benchmarks/rendering_speed.py     writes docs/results/rendering_speed.json and .md
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from mien_training.cameras import look_at_camera
from mien_training.head import rig_from_template
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

RESULTS = Path(__file__).parents[2] / "docs" / "results"
REPEATS = 60


def milliseconds(work: Callable[[], object]) -> dict[str, float]:
    """Wall and processor time of one call, after five to warm up."""
    for _ in range(5):
        work()
    wall, cpu = [], []
    for _ in range(REPEATS):
        w, c = time.perf_counter(), time.process_time()
        work()
        wall.append(1e3 * (time.perf_counter() - w))
        cpu.append(1e3 * (time.process_time() - c))
    return {
        "wall_min": round(min(wall), 2),
        "wall_median": round(statistics.median(wall), 2),
        "cpu_median": round(statistics.median(cpu), 2),
    }


def main() -> None:
    template = load_template("anny")
    start = time.perf_counter()
    materials = paint_materials(template, template.vertices, Look(), 1024)
    paint_s = time.perf_counter() - start
    rig, _ = rig_from_template(template, "anny", None, materials)
    start = time.perf_counter()
    renderer = HeadRenderer(rig)
    setup_s = time.perf_counter() - start
    rows: dict[str, dict[str, float]] = {}
    for name, samples, size in (
        ("256, 2x2 samples", 2, 256),
        ("256, 1 sample", 1, 256),
        ("512, 2x2 samples", 2, 512),
    ):
        renderer.samples = samples
        camera = look_at_camera((0, 0.13, 0.95), (0, 0.13, 0.05), 0.32, size, size)
        covered = float(renderer.coverage(rig.vertices, camera).mean())
        rows[name] = {
            "head_share": round(covered, 3),
            **milliseconds(lambda camera=camera: renderer.render(rig.vertices, camera)),
        }
    renderer.samples = 2
    scene = RandomScene(0)
    camera = scene.camera(rig.vertices)
    rows["training frame (RandomScene 0, 256, all defects)"] = {
        "head_share": round(float(renderer.coverage(rig.vertices, camera).mean()), 3),
        **milliseconds(lambda: scene.render(renderer, rig.vertices, camera)),
    }
    result = {
        "machine": platform.processor() or platform.machine(),
        "load_average": os.getloadavg()[0],
        "triangles": len(rig.triangles),
        "paint_1024_s": round(paint_s, 2),
        "renderer_setup_s": round(setup_s, 2),
        "rows": rows,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "rendering_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    lines = [
        "# Rendering: milliseconds an image",
        "",
        f"`python tests/benchmarks/rendering_speed.py`: {len(rig.triangles)} triangles, one "
        f"thread, {REPEATS} images a row, load average {result['load_average']:.1f} on "
        f"{os.cpu_count()} cores.",
        f"Painting all textures at 1024: {paint_s:.1f} s; renderer set-up {setup_s:.1f} s.",
        "",
        "| image | head's share | wall min | wall median | processor median |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        lines.append("| " + " | ".join(str(x) for x in (name, *row.values())) + " |")
    (RESULTS / "rendering_speed.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
