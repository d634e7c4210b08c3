"""Collects ONNX nodes and weights, and closes them into a checked model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

__all__ = ["GraphWriter"]

_OPSET, _IR_VERSION = 15, 8


class GraphWriter:
    """Nodes in order, each named after its output, so that the same source gives the same bytes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._casts: dict[str, str] = {}

    def node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append one node with one output; returns the output's name."""
        self._nodes.append(
            helper.make_node(kind, list(inputs), [output], name=output, **attributes)
        )
        return output

    def weights(self, name: str, values: NDArray[Any]) -> str:
        """A constant; float16 is stored as float16 and cast to float32 in the graph.

        The runtime folds the cast once when it loads the net; the file stays half the size.
        """
        if name in self._casts:
            return self._casts[name]
        if values.dtype != np.float16:
            self._initializers.setdefault(
                name, numpy_helper.from_array(np.ascontiguousarray(values), name)
            )
            return name
        half = f"{name}_half"
        self._initializers[half] = numpy_helper.from_array(np.ascontiguousarray(values), half)
        self._casts[name] = self.node("Cast", [half], name, to=TensorProto.FLOAT)
        return name

    def model(
        self,
        inputs: Mapping[str, tuple[int | str, ...]],
        outputs: Mapping[str, tuple[int | str, ...]],
        metadata: dict[str, str],
    ) -> onnx.ModelProto:
        """The checked model. Shapes come without the batch, which becomes the dynamic `batch`;
        names in them are dynamic too."""

        def info(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])

        nodes = self._needed(set(outputs))
        read = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes,
            self._name,
            [info(name, shape) for name, shape in inputs.items()],
            [info(name, shape) for name, shape in outputs.items()],
            [tensor for name, tensor in self._initializers.items() if name in read],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="mien",
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _needed(self, wanted: set[str]) -> list[onnx.NodeProto]:
        """The nodes that the outputs depend on; the runtime would carry out the others too."""
        needed = []
        for node in reversed(self._nodes):
            if node.output[0] in wanted:
                wanted.update(node.input)
                needed.append(node)
        return needed[::-1]
