"""An ONNX graph that grows node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien_exporters.avatar.code_nodes import node
from mien_exporters.onnx_rules import IR_VERSION, OPSET, check_engine_rules

__all__ = ["Graph"]


class Graph:
    """Nodes and weights; every method that adds a node gives the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, NDArray[Any]] = {}

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: object) -> str:
        """A node of one output."""
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(node(kind, list(inputs), name, **attributes))
        return name

    def tensor(self, value: Any, name: str = "") -> str:
        """Weights, in single precision, or indices."""
        array = np.asarray(value)
        name = name or f"w{len(self.tensors)}"
        kept = np.int64 if array.dtype.kind in "iu" else np.float32
        self.tensors[name] = np.ascontiguousarray(array, kept)
        return name

    def linear(self, x: str, weights: Mapping[str, NDArray[Any]], name: str) -> str:
        """x (B, in) through a layer of training's, (out, in) and (out,)."""
        matrix = self.tensor(weights[f"{name}.weight"], f"{name}.weight")
        bias = self.tensor(weights[f"{name}.bias"], f"{name}.bias")
        return self.add("Gemm", x, matrix, bias, transB=1)

    def convolution(self, x: str, weights: Mapping[str, NDArray[Any]], name: str) -> str:
        """x (B, in, S, S) through a layer of training's that keeps its size."""
        kernel = weights[f"{name}.weight"]
        pad = kernel.shape[-1] // 2
        told = [self.tensor(weights[f"{name}.{part}"], f"{name}.{part}")
                for part in ("weight", "bias")]  # fmt: skip
        return self.add("Conv", x, *told, pads=[pad] * 4, kernel_shape=list(kernel.shape[-2:]))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """0 keeps an axis, -1 takes what is left."""
        return self.add("Reshape", x, self.tensor(np.array(shape, np.int64)))

    def model(
        self, name: str, inputs: Sequence[tuple[str, Sequence[str | int]]],
        outputs: Sequence[tuple[str, Sequence[str | int]]], told: Mapping[str, str],
    ) -> bytes:  # fmt: skip
        """The checked file's bytes; all inputs and outputs are float32."""
        ends = [
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in values]
            for values in (inputs, outputs)
        ]
        graph = helper.make_graph(
            self.nodes, name, ends[0], ends[1],
            [numpy_helper.from_array(a, n) for n, a in self.tensors.items()],
        )  # fmt: skip
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
            producer_name="mien",
        )  # fmt: skip
        helper.set_model_props(model, dict(told))
        check_engine_rules(model)
        return bytes(model.SerializeToString(deterministic=True))
