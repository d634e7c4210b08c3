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


@dataclass(frozen=True)
class _Norm:
    """A layer normalisation over the last axis, spelled out in the source; tensors by index."""

    input: int
    gain: int
    epsilon: int
    output: int
    inner: frozenset[int]
    """Tensors between input and output that nothing else reads."""


def _find_norms(source: SourceGraph) -> list[_Norm]:
    """x * s - mean * s with s = gain / sqrt(mean((x - mean)^2) + epsilon), as TFLite writes it."""
    norms = []
    for mean in source.operators:
        readers = {reader.name: reader for reader in source.consumers(mean.outputs[0])}
        if mean.name != "MEAN" or set(readers) != {"NEG", "SQUARED_DIFFERENCE"}:
            continue
        chain = [readers["SQUARED_DIFFERENCE"]]
        for name in ("MEAN", "ADD", "RSQRT", "MUL"):
            (step,) = source.consumers(chain[-1].outputs[0])
            if step.name != name:
                raise InputError(f"no conversion of a normalisation with {step.name} for {name}")
            chain.append(step)
        products = source.consumers(chain[-1].outputs[0])
        (last,) = source.consumers(products[0].outputs[0])
        if [p.name for p in products] != ["MUL", "MUL"] or last.name != "ADD":
            raise InputError("no conversion of a normalisation that does not end in MUL, MUL, ADD")
        (epsilon,) = (t for t in chain[2].inputs if t in source.constants)
        (gain,) = (t for t in chain[4].inputs if t in source.constants)
        inner = [mean, readers["NEG"], *chain, *products]
        norms.append(
            _Norm(
                input=mean.inputs[0],
                gain=gain,
                epsilon=epsilon,
                output=last.outputs[0],
                inner=frozenset(operator.outputs[0] for operator in inner),
            )
        )
    return norms


class PointsNet:
    """Writes a mixer net node by node.

    A mixer transposes tokens and features around every second pair of layers. A layer on a
    transposed tensor is a product from the left, so no transpose needs to be carried out.
    """

    def __init__(self, source: SourceGraph, writer: GraphWriter) -> None:
        self._source = source
        self._writer = writer
        self._values: dict[int, _Value] = {}
        self._unshaped: dict[str, str] = {}
        self._norms = {norm.output: norm for norm in _find_norms(source)}
        self._absorbed = {tensor for norm in self._norms.values() for tensor in norm.inner}

    def write(self, input_names: tuple[str, ...]) -> None:
        """Write all operators of the source; its inputs get `input_names`."""
        for tensor, name in zip(self._source.inputs, input_names, strict=True):
            self._values[tensor] = _Value(name)
        for operator in self._source.operators:
            if operator.name not in _HANDLERS:
                raise InputError(f"no conversion of the TFLite operator {operator.name}")
            if operator.outputs[0] in self._absorbed:
                continue
            if operator.outputs[0] in self._norms:
                self._values[operator.outputs[0]] = self._norm(self._norms[operator.outputs[0]])
                continue
            self._values[operator.outputs[0]] = _HANDLERS[operator.name](self, operator)

    def flat_output(self, tensor: int, name: str, shape: tuple[int, ...]) -> None:
        """Give `tensor`, of the given shape behind the batch, a name."""
        target = self._writer.weights(f"{name}_shape", np.array([-1, *shape], np.int64))
        self._writer.node("Reshape", [self._plain(tensor), target], name)

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

    def _constant(self, operator: Operator, position: int) -> NDArray[np.int64]:
        return np.atleast_1d(self._source.constants[operator.inputs[position]]).astype(np.int64)

    def _norm(self, norm: _Norm) -> _Value:
        """In the form that ONNX Runtime knows as one layer normalisation (hence the zero shift)."""
        name, output = self._plain(norm.input), f"t{norm.output}"
        node, weights = self._writer.node, self._writer.weights
        gain = self._source.constants[norm.gain]
        epsilon = self._source.constants[norm.epsilon].astype(np.float32).reshape(())
        two = weights("two", np.array(2, np.float32))
        mean = node("ReduceMean", [name], f"{output}_mean", axes=[-1], keepdims=1)
        centred = node("Sub", [name, mean], f"{output}_centred")
        squared = node("Pow", [centred, two], f"{output}_squared")
        variance = node("ReduceMean", [squared], f"{output}_variance", axes=[-1], keepdims=1)
        shifted = node("Add", [variance, weights("epsilon", epsilon)], f"{output}_shifted")
        root = node("Sqrt", [shifted], f"{output}_root")
        unit = node("Div", [centred, root], f"{output}_unit")
        scaled = node("Mul", [unit, weights(f"w{norm.gain}", gain)], f"{output}_scaled")
        zero = weights(f"zero{len(gain)}", np.zeros(len(gain), np.float32))
        return _Value(node("Add", [scaled, zero], output))

    def _layer(self, operator: Operator) -> _Value:
        """A 1x1 convolution: over features a matrix product, over tokens (swapped) a convolution
        of an image that has a channel per token. Both take the bias, and the Relu, for free."""
        kernel = self._source.constants[operator.inputs[1]]
        if kernel.shape[1:3] != (1, 1):
            raise InputError(f"no conversion of a {kernel.shape[1]}x{kernel.shape[2]} convolution")
        matrix = kernel[:, 0, 0, :]  # (out, in)
        tensor, output = operator.inputs[0], f"t{operator.outputs[0]}"
        value = self._values[tensor]
        offset = self._writer.weights(
            f"b{operator.inputs[2]}", self._source.constants[operator.inputs[2]]
        )
        if value.swapped:
            tokens, features = self._source.shapes[tensor][3], self._source.shapes[tensor][2]
            image = self._shaped(value.name, (tokens, 1, features))
            weights = self._writer.weights(f"w{operator.inputs[1]}", matrix[:, :, None, None])
            kind = "Conv"
        else:
            image = self._shaped(value.name, (matrix.shape[1],))
            weights = self._writer.weights(f"w{operator.inputs[1]}", matrix.T)
            kind = "Gemm"
        name = self._writer.node(kind, [image, weights, offset], f"{output}_product")
        if operator.options["FusedActivationFunction"] == _RELU:
            name = self._writer.node("Relu", [name], f"{output}_relu")
        shape = list(self._source.shapes[operator.outputs[0]][1:])
        if value.swapped:
            shape[1:] = shape[:0:-1]
        return _Value(self._shaped(name, tuple(shape)), value.swapped)

    def _shaped(self, name: str, shape: tuple[int, ...]) -> str:
        """The tensor with another shape behind its first axis; reshapes in a row become one."""
        name = self._unshaped.get(name, name)
        output = f"{name}_{'x'.join(map(str, shape))}"
        if output not in self._unshaped:
            target = self._writer.weights(
                f"shape_{'x'.join(map(str, shape))}", np.array([-1, *shape], np.int64)
            )
            self._unshaped[output] = name
            self._writer.node("Reshape", [name, target], output)
        return output

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
        return _Value(self._shaped(self._plain(operator.inputs[0]), shape))

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
