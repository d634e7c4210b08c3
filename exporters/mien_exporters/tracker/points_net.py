"""The net that looks at points (an MLP mixer): TFLite's 1x1 convolutions as matrix products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_exporters.tracker.graph_writer import GraphWriter
from mien_exporters.tracker.tflite_graph import Operator, SourceGraph

__all__ = ["PointsNet"]

_RELU = 1


@dataclass(frozen=True)
class _Value:
    """A tensor in the graph; `swapped` says that its last two axes are exchanged."""

    name: str
    swapped: bool = False


class PointsNet:
    """Writes a mixer net node by node.

    A mixer transposes tokens and features around every second pair of layers. A layer on a
    transposed tensor is a product from the left, so no transpose needs to be carried out.
    """

    def __init__(self, source: SourceGraph, writer: GraphWriter) -> None:
        self._source = source
        self._writer = writer
        self._values: dict[int, _Value] = {}

    def write(self, input_names: tuple[str, ...]) -> None:
        """Write all operators of the source; its inputs get `input_names`."""
        for tensor, name in zip(self._source.inputs, input_names, strict=True):
            self._values[tensor] = _Value(name)
        for operator in self._source.operators:
            if operator.name not in _HANDLERS:
                raise InputError(f"no conversion of the TFLite operator {operator.name}")
            self._values[operator.outputs[0]] = _HANDLERS[operator.name](self, operator)

    def flat_output(self, tensor: int, name: str, shape: tuple[int, ...]) -> None:
        """Give `tensor`, of the given shape behind the batch, a name."""
        self._reshape(self._plain(tensor), name, shape)

    def _plain(self, tensor: int) -> str:
        """The tensor's (or weight's) name, in the source's memory order."""
        if tensor in self._source.constants:
            return self._writer.weights(f"w{tensor}", self._source.constants[tensor])
        value = self._values[tensor]
        if not value.swapped:
            return value.name
        return self._writer.node(
            "Transpose", [value.name], f"{value.name}_plain", perm=[0, 1, 3, 2]
        )

    def _reshape(self, name: str, output: str, shape: tuple[int, ...]) -> str:
        # 0 keeps the batch as it is.
        target = self._writer.weights(f"{output}_shape", np.array([0, *shape], np.int64))
        return self._writer.node("Reshape", [name, target], output)

    def _constant(self, operator: Operator, position: int) -> NDArray[np.int64]:
        return np.atleast_1d(self._source.constants[operator.inputs[position]]).astype(np.int64)

    def _layer(self, operator: Operator) -> _Value:
        kernel = self._source.constants[operator.inputs[1]]
        if kernel.shape[1:3] != (1, 1):
            raise InputError(f"no conversion of a {kernel.shape[1]}x{kernel.shape[2]} convolution")
        matrix = kernel[:, 0, 0, :]  # (out, in)
        bias = self._source.constants[operator.inputs[2]]
        value, output = self._values[operator.inputs[0]], f"t{operator.outputs[0]}"
        suffix = "_left" if value.swapped else ""
        weights = self._writer.weights(
            f"w{operator.inputs[1]}{suffix}", matrix if value.swapped else matrix.T
        )
        offset = self._writer.weights(
            f"b{operator.inputs[2]}{suffix}", bias[:, None] if value.swapped else bias
        )
        factors = [weights, value.name] if value.swapped else [value.name, weights]
        product = self._writer.node("MatMul", factors, f"{output}_product")
        name = self._writer.node("Add", [product, offset], output)
        if operator.options["FusedActivationFunction"] == _RELU:
            name = self._writer.node("Relu", [name], f"{output}_relu")
        return _Value(name, value.swapped)

    def _transpose(self, operator: Operator) -> _Value:
        order = self._constant(operator, 1).tolist()
        if order != [0, 1, 3, 2]:
            raise InputError(f"no conversion of TRANSPOSE by {order}")
        value = self._values[operator.inputs[0]]
        return _Value(value.name, not value.swapped)

    def _binary(self, operator: Operator) -> _Value:
        kind = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div"}[operator.name]
        inputs = [self._plain(tensor) for tensor in operator.inputs]
        return _Value(self._writer.node(kind, inputs, f"t{operator.outputs[0]}"))

    def _unary(self, operator: Operator) -> _Value:
        kind = {"NEG": "Neg", "SQRT": "Sqrt", "LOGISTIC": "Sigmoid"}[operator.name]
        name = self._plain(operator.inputs[0])
        return _Value(self._writer.node(kind, [name], f"t{operator.outputs[0]}"))

    def _reciprocal_root(self, operator: Operator) -> _Value:
        output = f"t{operator.outputs[0]}"
        root = self._writer.node("Sqrt", [self._plain(operator.inputs[0])], f"{output}_root")
        return _Value(self._writer.node("Reciprocal", [root], output))

    def _squared_difference(self, operator: Operator) -> _Value:
        output = f"t{operator.outputs[0]}"
        inputs = [self._plain(tensor) for tensor in operator.inputs]
        difference = self._writer.node("Sub", inputs, f"{output}_difference")
        return _Value(self._writer.node("Mul", [difference, difference], output))

    def _reduction(self, operator: Operator) -> _Value:
        name, output = self._plain(operator.inputs[0]), f"t{operator.outputs[0]}"
        axes = self._constant(operator, 1)
        keep = operator.options["KeepDims"]
        if operator.name == "SUM":
            axes_name = self._writer.weights(f"{output}_axes", axes)
            return _Value(self._writer.node("ReduceSum", [name, axes_name], output, keepdims=keep))
        return _Value(
            self._writer.node("ReduceMean", [name], output, axes=axes.tolist(), keepdims=keep)
        )

    def _reshaped(self, operator: Operator) -> _Value:
        output = operator.outputs[0]
        shape = self._source.shapes[output][1:]
        return _Value(self._reshape(self._plain(operator.inputs[0]), f"t{output}", shape))

    def _concatenation(self, operator: Operator) -> _Value:
        """A learned token before the others: a row of zeros is padded on, the token added to it.

        Concat would need the token once per member of the batch.
        """
        token_tensor, rest = operator.inputs
        token = self._source.constants.get(token_tensor)
        shape = self._source.shapes[operator.outputs[0]]
        axis = operator.options["Axis"] % len(shape)
        if token is None or len(shape) != 4 or axis != 2:
            raise InputError("no conversion of CONCATENATION other than token before tokens")
        output = f"t{operator.outputs[0]}"
        pads = self._writer.weights(
            f"{output}_pads", np.array([0, 0, token.shape[2], 0, 0, 0, 0, 0], np.int64)
        )
        row = np.zeros(shape[1:], token.dtype)
        row[:, : token.shape[2]] = token[0]
        padded = self._writer.node("Pad", [self._plain(rest), pads], f"{output}_padded")
        return _Value(
            self._writer.node(
                "Add", [padded, self._writer.weights(f"w{token_tensor}", row)], output
            )
        )

    def _slice(self, operator: Operator) -> _Value:
        """STRIDED_SLICE from 0 with step 1; the one that only drops the batch of 1 is left out."""
        options, tensor = operator.options, operator.inputs[0]
        begin, end, step = (self._constant(operator, position) for position in (1, 2, 3))
        shape = self._source.shapes[tensor]
        if begin.any() or (step != 1).any() or options["EllipsisMask"] or options["NewAxisMask"]:
            raise InputError(f"no conversion of STRIDED_SLICE from {begin} by {step}")
        name, output = self._plain(tensor), f"t{operator.outputs[0]}"
        if options["ShrinkAxisMask"]:
            if options["ShrinkAxisMask"] != 1 or shape[0] != 1:
                raise InputError("no conversion of STRIDED_SLICE that drops an axis")
            return _Value(name)
        axes = [
            axis
            for axis in range(len(shape))
            if not options["EndMask"] >> axis & 1 and int(end[axis]) != shape[axis]
        ]
        if not axes:
            return _Value(name)
        bounds = [
            self._writer.weights(f"{output}_{part}", np.array(values, np.int64))
            for part, values in (
                ("starts", [0] * len(axes)),
                ("ends", [int(end[axis]) for axis in axes]),
                ("axes", axes),
            )
        ]
        return _Value(self._writer.node("Slice", [name, *bounds], output))


_HANDLERS: dict[str, Callable[[PointsNet, Operator], _Value]] = {
    "ADD": PointsNet._binary,
    "CONCATENATION": PointsNet._concatenation,
    "CONV_2D": PointsNet._layer,
    "DIV": PointsNet._binary,
    "LOGISTIC": PointsNet._unary,
    "MEAN": PointsNet._reduction,
    "MUL": PointsNet._binary,
    "NEG": PointsNet._unary,
    "RESHAPE": PointsNet._reshaped,
    "RSQRT": PointsNet._reciprocal_root,
    "SQRT": PointsNet._unary,
    "SQUARED_DIFFERENCE": PointsNet._squared_difference,
    "STRIDED_SLICE": PointsNet._slice,
    "SUB": PointsNet._binary,
    "SUM": PointsNet._reduction,
    "TRANSPOSE": PointsNet._transpose,
}
