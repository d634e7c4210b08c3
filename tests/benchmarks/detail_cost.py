"""What skin detail costs at run time, and in the package.

python tests/benchmarks/detail_cost.py CHARACTER.mien

One thread. Writes docs/results/detail_cost.{json,md}.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from result_pages import RESULTS, only_rendered

import mien
from mien.deform import blend, tension
from mien.onnx_session import open_session
from mien_training.metrics.tables import results_page, write_results

ROUNDS = 300
TEXT = """# What skin detail costs

One thread, beside nothing else; milliseconds a frame, median and 95th percentile of 300. weights:
detail.onnx, what every frame carries. animator: the character's recurrent network, for comparison.
map, numpy: `DetailMaps.displacement`. map and normals, ONNX: detail_map.onnx. tension: what a host
with a tension pass of its own computes, blending included. bytes: of the package's files."""


def spread(work: Callable[[], Any]) -> list[float]:
    for _ in range(10):
        work()
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    return [float(np.median(times)), float(np.quantile(times, 0.95))]


def page(record: dict[str, Any]) -> str:
    rows = [[name, *values, None] for name, values in record["results"]["ms"].items()]
    rows += [[name, None, None, size] for name, size in record["results"]["bytes"].items()]
    return results_page(TEXT, ["what", "median, ms", "p95, ms", "bytes"], rows, record["command"])


PAGES = {"detail_cost": page}


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("character", type=Path)
    options = parser.parse_args()
    character = mien.load(options.character)
    model, animator, rig = character.wrinkles, character.animator, character.rig
    if model is None:
        raise SystemExit(f"{options.character}: has no skin detail")
    rng = np.random.default_rng(0)
    channels = rng.random(len(character.channel_names)).astype(np.float32) * 0.5
    weights = model.weights(channels)
    state = animator.initial_state()
    x = rng.normal(0, 0.1, (1, 1, animator.feature_size)).astype(np.float32)
    ms = {
        "weights": spread(lambda: model.weights(channels)),
        "animator": spread(lambda: animator.infer(x, state)),
    }
    for size in (256, 512):
        maps = character.detail_maps(size)
        ms[f"map of {size}, numpy"] = spread(lambda maps=maps: maps.displacement(weights))
    data = character.package.read_bytes("detail_map.onnx")
    session = open_session(data, "detail_map")
    side = session.get_outputs()[0].shape[-1]
    feed = {"weights": weights[None]}
    ms[f"map and normals of {side}, ONNX"] = spread(lambda: session.run(None, feed))
    ms["tension"] = spread(lambda: tension(rig, blend(rig, channels)))
    files = character.manifest.files
    detail = {n: e.size for n, e in files.items() if n.startswith("detail")}
    sizes = {
        "whole package": sum(e.size for e in files.values()),
        "all of detail": sum(detail.values()),
        "detail.onnx": detail["detail.onnx"],
        "detail_map.onnx": detail["detail_map.onnx"],
        "character.glb": files["character.glb"].size,
    }
    command = "python tests/benchmarks/detail_cost.py demo/character.mien"
    write_results(RESULTS, "detail_cost", command, {"results": {"ms": ms, "bytes": sizes}}, page)


if __name__ == "__main__":
    main()
