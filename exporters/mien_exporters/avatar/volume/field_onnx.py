"""avatar/coarse.onnx and avatar/field.onnx: what is around a sample to density and colour.

offsets[samples,4,3], features[samples,4,W], shares[samples,4], heights[samples], presence[samples]
-> density[samples], per metre; field.onnx takes view[samples,3] too and gives colour[samples,3].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.avatar.playback.avatar_tensors import volume_tensors
from mien.avatar_kinds import VolumeEntry
from mien_exporters.avatar.volume.graph import Graph
from mien_exporters.avatar.volume.volume_run import VolumeRun

__all__ = ["field_onnx"]


def field_onnx(run: VolumeRun, entry: VolumeEntry, which: Literal["coarse", "field"]) -> bytes:
    """One of the two. The coarse one tells where to look again, and no colour. The same run gives
    the same bytes."""
    prefix = "coarse." if which == "coarse" else "fine."
    weights = {n[len(prefix) :]: a for n, a in run.weights.items() if n.startswith(prefix)}
    shape, graph = run.shape, Graph()
    offsets = graph.reshape("offsets", (-1, 3))
    waves = _encoded(graph, offsets, shape.longest_m, shape.offset_bands)
    # What a feature adds is the same for every sample near it, and comes multiplied already.
    told = graph.reshape("features", (-1, run.width))
    first = graph.tensor(weights["of_offset.weight"])
    x = graph.add("Relu", graph.add("Gemm", waves, first, told, transB=1))
    for layer in _layers(weights, "mlp0"):
        x = graph.add("Relu", graph.linear(x, weights, layer))
    parts = graph.reshape(x, (-1, 4, run.width))
    shares = graph.add("Unsqueeze", "shares", graph.tensor(np.array([2])))
    weighted = graph.add("Mul", parts, shares)
    x = graph.add("ReduceSum", weighted, graph.tensor(np.array([1])), keepdims=0)
    for layer in _layers(weights, "mlp1"):
        x = graph.add("Relu", graph.linear(x, weights, layer))
    said = graph.reshape(graph.linear(x, weights, "density"), (-1,))
    high = graph.add("Tanh", graph.add("Div", "heights", graph.tensor(np.float32(shape.solid_m))))
    solid = graph.add("Mul", high, graph.tensor(np.float32(shape.solid)))
    raw = graph.add("Softplus", graph.add("Sub", said, solid))
    there = graph.add("Mul", raw, "presence")
    graph.add("Mul", there, graph.tensor(np.float32(shape.density_per_m)), output="density")
    if which == "field":
        seen = graph.add("Concat", x, _encoded(graph, "view", 2.0, shape.view_bands), axis=1)
        for layer in _layers(weights, "mlp2"):
            seen = graph.add("Relu", graph.linear(seen, weights, layer))
        graph.add("Sigmoid", graph.linear(seen, weights, "colour"), output="colour")
    tensors = volume_tensors(entry)[which]
    inputs = 6 if which == "field" else 5
    return graph.model(which, tensors[:inputs], tensors[inputs:], {"format": "mien.avatar 1"})


def _encoded(graph: Graph, x: str, longest: float, bands: int) -> str:
    """x (R, 3) over half the longest wave, then sines and cosines of ever shorter waves.

    Only the first is asked of a sine: sin 2a = 2 sin a cos a, cos 2a = 1 - 2 sin^2 a.
    """
    parts = [graph.add("Mul", x, graph.tensor(np.float32(2 / longest)))]
    one = graph.tensor(np.float32(1))
    sine = cosine = ""
    for band in range(bands):
        if not band:
            phase = graph.add("Mul", x, graph.tensor(np.float32(2 * math.pi / longest)))
            sine, cosine = graph.add("Sin", phase), graph.add("Cos", phase)
        else:
            twice = graph.add("Add", sine, sine)
            squared = graph.add("Mul", twice, sine)
            sine, cosine = graph.add("Mul", twice, cosine), graph.add("Sub", one, squared)
        parts += [sine, cosine]
    return graph.add("Concat", *parts, axis=1) if bands else parts[0]


def _layers(weights: Mapping[str, NDArray[np.float32]], name: str) -> list[str]:
    """Layers of a chain of training's, the first one first."""
    found = {n.rsplit(".", 1)[0] for n in weights if n.startswith(f"{name}.")}
    return sorted(found, key=lambda layer: int(layer.split(".")[1]))
