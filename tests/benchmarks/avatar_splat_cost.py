"""What drawing Gaussian splats costs on one core, and how near the kernels are to the reference.

python tests/benchmarks/avatar_splat_cost.py

One thread. Writes docs/results/avatar_splat_cost.{json,md}.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from result_pages import RESULTS, only_rendered

from mien.avatar import Splats, draw_splats
from mien_training.cameras import Camera, look_at_camera
from mien_training.metrics.tables import results_page, write_results
from mien_training.rendering.splats.splat_renderer import render_splats

SIZES = ((256, 10_000), (256, 30_000), (512, 30_000))
"""Side of the image, pixels; Gaussians."""
REPEATS = 40
COMPARED, COMPARED_SIDE = 300, 64
"""Gaussians and side of the image of the comparison with the reference."""
NAMES = ("means", "rotations", "scales", "opacities", "colours")


def shell(count: int) -> Splats:
    """Gaussians all over an ellipsoid as large as a head, about as wide as they lie apart."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    spread = 0.0012 * np.sqrt(30_000 / count)
    return Splats(
        means=directions * (0.08, 0.11, 0.1),
        rotations=rng.normal(size=(count, 4)),
        scales=np.exp(rng.normal(np.log(spread), 0.4, (count, 3))),
        opacities=rng.uniform(0.3, 1, count),
        colours=rng.random((count, 3)),
    )


def camera_of(side: int) -> Camera:
    """The ellipsoid fills 35 % of the image."""
    return look_at_camera((0, 0, 1.0), (0, 0, 0), 2 * np.arctan(0.15), side, side)


def tensors_of(splats: Splats, dtype: torch.dtype) -> list[torch.Tensor]:
    return [torch.tensor(getattr(splats, name), dtype=dtype) for name in NAMES]


def milliseconds(work: Callable[[], object]) -> list[float]:
    """Least and median time by the clock, and least processor time, of one call."""
    for _ in range(3):
        work()
    clock, processor = [], []
    for _ in range(REPEATS):
        begin, used = time.perf_counter(), time.process_time()
        work()
        processor.append(1000 * (time.process_time() - used))
        clock.append(1000 * (time.perf_counter() - begin))
    return [min(clock), statistics.median(clock), min(processor)]


def cost(side: int, count: int) -> dict[str, list[float]]:
    splats, camera = shell(count), camera_of(side)
    tensors = [tensor.requires_grad_() for tensor in tensors_of(splats, torch.float32)]
    fixed = [tensor.detach() for tensor in tensors]
    weights = torch.rand(1, side, side, 4)

    def step() -> None:
        image = render_splats(*tensors, [camera], (side, side)).image
        (image * weights).sum().backward()

    return {
        "draw_splats": milliseconds(lambda: draw_splats(splats, camera, side, side)),
        "render_splats": milliseconds(lambda: render_splats(*fixed, [camera], (side, side))),
        "and backward": milliseconds(step),
    }


def agreement() -> dict[str, float]:
    """Largest difference from the reference in double precision: image, then gradients.

    A gradient's is relative to its largest value.
    """
    rng = np.random.default_rng(1)
    splats = shell(COMPARED)
    camera = camera_of(COMPARED_SIDE)
    weights = torch.tensor(rng.normal(size=(1, COMPARED_SIDE, COMPARED_SIDE, 4)))
    images, gradients = [], []
    for backend in ("torch", "warp"):
        tensors = [tensor.requires_grad_() for tensor in tensors_of(splats, torch.float64)]
        size = (COMPARED_SIDE, COMPARED_SIDE)
        image = render_splats(*tensors, [camera], size, backend=backend).image.double()
        (image * weights).sum().backward()
        images.append(image.detach())
        gradients.append([tensor.grad for tensor in tensors])
    found = {"image": float((images[0] - images[1]).abs().max())}
    for name, a, b in zip(NAMES, *gradients, strict=True):
        found[f"gradient of {name}"] = float((a - b).abs().max() / a.abs().max())
    return found


def page(record: dict[str, Any]) -> str:
    text = f"""# What drawing splats costs

One thread; least and median milliseconds of {record["repeats"]} calls by the clock, and least of
the processor, whose time others on the machine stretch less (load average
{record["load_average"]:.1f}; {record["machine"]}). Gaussians lie all over an ellipsoid as large as
a head, about as wide as they lie apart; it fills 35 % of the image. draw_splats: the runtime's,
numpy to numpy. render_splats: the training's, torch to torch; and backward: with the gradients of
all five tensors. CUDA: never run yet.

Against the reference in double precision ({record["compared"]} Gaussians, {record["side"]} pixels),
largest difference, of gradients relative to their largest value:
{", ".join(f"{name} {value:.1e}" for name, value in record["agreement"].items())}."""
    rows = [
        [row["side"], row["gaussians"], name, *values, 1000 / values[1]]
        for row in record["rows"]
        for name, values in row["ms"].items()
    ]
    columns = ["side", "Gaussians", "what", "least, ms", "median, ms", "processor, ms", "per s"]
    return results_page(text, columns, rows, record["command"])


PAGES = {"avatar_splat_cost": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    torch.set_num_threads(1)
    rows = [{"side": s, "gaussians": n, "ms": cost(s, n)} for s, n in SIZES]
    record = {
        "repeats": REPEATS, "load_average": os.getloadavg()[0], "compared": COMPARED,
        "side": COMPARED_SIDE, "rows": rows, "agreement": agreement(),
    }  # fmt: skip
    command = "python tests/benchmarks/avatar_splat_cost.py"
    write_results(RESULTS, "avatar_splat_cost", command, record, page)


if __name__ == "__main__":
    main()
