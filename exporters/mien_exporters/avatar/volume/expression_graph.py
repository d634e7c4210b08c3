"""The network that tells how an expression changes the map of features, as nodes of a graph.

The same as `mien_training.avatar.expression`, layer by layer; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_exporters.avatar.volume.graph import Graph

__all__ = ["FIRST_LAYERS", "expression_changes"]

Weights = Mapping[str, NDArray[Any]]
_LEAK = 0.2
_PER_METRE = 100.0
FIRST_LAYERS = {
    "displacements": "codes", "codes": "first.0", "appended": "of_codes", "global": "amounts.0",
}  # fmt: skip
"""Network -> its layer over the codes; static has none."""


def expression_changes(
    graph: Graph, network: str, weights: Weights, displacements: str, codes: str
) -> str:
    """(B, F, S, S) of displacements (B, 3, S, S), metres, and codes (B, C); or (B, 1, 1, 1) where
    nothing changes."""
    builders: dict[str, Callable[[Graph, Weights, str, str], str]] = {
        "displacements": _displacements, "codes": _codes, "appended": _appended,
        "global": _global, "static": _static,
    }  # fmt: skip
    return builders[network](graph, weights, displacements, codes)


def _displacements(graph: Graph, w: Weights, displacements: str, codes: str) -> str:
    x = graph.add("Mul", displacements, graph.tensor(np.float32(_PER_METRE)))
    x = graph.convolution(x, w, "first")
    levels = []
    depth = _count(w, "down")
    for level in range(depth):
        if level:
            x = graph.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = _residual(graph, w, f"down.{level}", x)
        levels.append(x)
    told = graph.reshape(graph.linear(codes, w, "codes"), (0, -1, 1, 1))
    x = graph.add("Add", x, told)
    for level in range(depth - 1):
        x = graph.add("Concat", _doubled(graph, x), levels[-2 - level], axis=1)
        x = _residual(graph, w, f"up.{level}", x)
    return graph.convolution(x, w, "last")


def _codes(graph: Graph, w: Weights, displacements: str, codes: str) -> str:
    x = _leaky(graph, graph.linear(codes, w, "first.0"))
    x = graph.linear(x, w, "first.2")
    blocks = _count(w, "up")
    wide = (w["up.0.near.weight"] if blocks else w["last.weight"]).shape[1]
    coarse = round(np.sqrt(len(w["first.2.weight"]) / wide))
    x = graph.reshape(x, (0, wide, coarse, coarse))
    for level in range(blocks):
        x = _residual(graph, w, f"up.{level}", _doubled(graph, x))
    return graph.convolution(x, w, "last")


def _appended(graph: Graph, w: Weights, displacements: str, codes: str) -> str:
    # What a texel has of its own is the same for all: it is multiplied here.
    own = np.einsum("hc,cyx->hyx", w["of_own.weight"][:, :, 0, 0], w["own"][0])
    own = graph.tensor((own + w["of_own.bias"][:, None, None])[None])
    told = graph.reshape(graph.linear(codes, w, "of_codes"), (0, -1, 1, 1))
    x = _leaky(graph, graph.add("Add", told, own))
    return graph.convolution(_leaky(graph, graph.convolution(x, w, "rest.1")), w, "rest.3")


def _global(graph: Graph, w: Weights, displacements: str, codes: str) -> str:
    x = _leaky(graph, graph.linear(codes, w, "amounts.0"))
    x = _leaky(graph, graph.linear(x, w, "amounts.2"))
    amounts = graph.linear(x, w, "amounts.4")
    count, *shape = w["maps"].shape
    x = graph.add("MatMul", amounts, graph.tensor(w["maps"].reshape(count, -1)))
    return graph.reshape(x, (0, *shape))


def _static(graph: Graph, w: Weights, displacements: str, codes: str) -> str:
    nothing = graph.add("Mul", codes, graph.tensor(np.float32(0)))
    one = graph.add("ReduceSum", nothing, graph.tensor(np.array([1])), keepdims=1)
    return graph.reshape(one, (0, 1, 1, 1))


def _residual(graph: Graph, w: Weights, name: str, x: str) -> str:
    near = _leaky(graph, graph.convolution(x, w, f"{name}.near"))
    far = _leaky(graph, graph.convolution(near, w, f"{name}.far"))
    return graph.add("Add", far, graph.convolution(x, w, f"{name}.beside"))


def _doubled(graph: Graph, x: str) -> str:
    scales = graph.tensor(np.array([1, 1, 2, 2], np.float32))
    return graph.add(
        "Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel"
    )


def _leaky(graph: Graph, x: str) -> str:
    return graph.add("LeakyRelu", x, alpha=_LEAK)


def _count(w: Weights, blocks: str) -> int:
    return len({name.split(".")[1] for name in w if name.startswith(f"{blocks}.")})
