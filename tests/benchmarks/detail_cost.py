"""What skin detail costs at run time, and in the package.

python tests/benchmarks/detail_cost.py CHARACTER.mien

One thread. Writes docs/results/detail_cost.{json,md}.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from result_pages import RESULTS, only_rendered

import mien
from mien.blended_map import BlendedMap, height_codes
from mien.deform import blend, tension
from mien.onnx_session import open_session
from mien.service.messages import animate_response_from_bytes, animate_response_to_bytes
from mien.service.wire import RigReply
from mien_training.metrics.tables import results_page, write_results

ROUNDS = 300
TEXT = """# What skin detail costs

One thread; milliseconds of its processor time a frame, so that what else runs on the machine counts
for little; median and 95th percentile of 300. weights: detail.onnx, what every frame carries.
animator: the character's recurrent network, for comparison. map, numpy: `DetailMaps.displacement`.
map and normals, ONNX: detail_map.onnx. tension: what a host with a tension pass of its own
computes, blending included. "wire": what a frame with a map of the skin takes a server: blending,
codes and writing the answer; bytes of the answer. "wire, zlib": what compressing the answer at
level 1 would add to that, and leave: why maps travel as they are. "read": the client's share. Other
bytes: of the package's files."""


def spread(work: Callable[[], Any]) -> list[float]:
    for _ in range(10):
        work()
    times = []
    for _ in range(ROUNDS):
        begin = time.thread_time()
        work()
        times.append(1000 * (time.thread_time() - begin))
    return [float(np.median(times)), float(np.quantile(times, 0.95))]


class Wire:
    """One frame's answer with a map of the skin, as a server writes it."""

    def __init__(self, character: mien.Character, size: int, normal: bool) -> None:
        self._maps = character.detail_maps(size)
        self._normals = character.detail_normals(size) if normal else None
        self._span_m = self._maps.span_m
        session = character.session(np.zeros(character.layout.size))
        frame = session.step(np.zeros(character.layout.size), 0.0)
        self._frame, self._names = frame, frame.channel_names

    def write(self, weights: np.ndarray) -> bytes:
        codes = height_codes(self._maps.displacement(weights), *self._span_m)
        normals = None if self._normals is None else self._normals.codes(weights)
        blended = BlendedMap(self._maps.size, codes, *self._span_m, normals)
        frame = replace(self._frame, detail=weights, detail_map=blended)
        return animate_response_to_bytes(RigReply(1, 0.0, {"": frame}))

    def read(self, data: bytes) -> None:
        animate_response_from_bytes(data, self._names)


def measured_wire(
    character: mien.Character, weights: np.ndarray
) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Milliseconds and bytes of answers, by row."""
    ms: dict[str, list[float]] = {}
    sizes: dict[str, int] = {}
    for size in (256, 512):
        for normal in (False, True):
            name = f"{size}{', with normals' if normal else ''}"
            wire = Wire(character, size, normal)
            data = wire.write(weights)
            ms[f"wire, {name}"] = spread(lambda wire=wire: wire.write(weights))
            ms[f"read, {name}"] = spread(lambda wire=wire, data=data: wire.read(data))
            ms[f"wire, zlib, {name}"] = spread(lambda data=data: zlib.compress(data, 1))
            sizes[f"wire, {name}"] = len(data)
            sizes[f"wire, zlib, {name}"] = len(zlib.compress(data, 1))
    return ms, sizes


def page(record: dict[str, Any]) -> str:
    sizes = dict(record["results"]["bytes"])
    rows = [[name, *ms, sizes.pop(name, None)] for name, ms in record["results"]["ms"].items()]
    rows += [[name, None, None, size] for name, size in sizes.items()]
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
    wire_ms, wire_bytes = measured_wire(character, weights)
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
    write_results(
        RESULTS,
        "detail_cost",
        command,
        {"results": {"ms": ms | wire_ms, "bytes": sizes | wire_bytes}},
        page,
    )


if __name__ == "__main__":
    main()
