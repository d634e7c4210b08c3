"""Nets that look at images: TFLite's channels-last operators as channels-first ONNX."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.errors import InputError
from mien_exporters.tracker.graph_writer import GraphWriter
from mien_exporters.tracker.tflite_graph import Operator, SourceGraph

__all__ = ["ImageNet"]

_SAME, _VALID = 0, 1
_NO_ACTIVATION, _RELU = 0, 1


class ImageNet:
    """Writes an image net node by node; four-dimensional tensors are channels-first inside.

    Only where a tensor's memory order is seen from outside (input, outputs, reshapes) does a
    Transpose stand.
    """

    def __init__(self, source: SourceGraph, writer: GraphWriter) -> None:
        self._source = source
        self._writer = writer
        self._names: dict[int, str] = {}

    def write(self, input_names: tuple[str, ...]) -> None:
        """Write all operators of the source; its inputs get `input_names`, channels last."""
        for tensor, name in zip(self._source.inputs, input_names, strict=True):
            self._names[tensor] = self._writer.node(
                "Transpose", [name], f"{name}_channels_first", perm=[0, 3, 1, 2]
            )
        for operator in self._source.operators:
            if operator.name not in _HANDLERS:
                raise InputError(f"no conversion of the TFLite operator {operator.name}")
            self._names[operator.outputs[0]] = _HANDLERS[operator.name](self, operator)

    def flat_output(self, tensor: int, name: str, shape: tuple[int, ...]) -> None:
        """Give `tensor`, in channels-last order and of the given shape behind the batch, a name."""
        self._reshape(self._channels_last(tensor), name, shape)

    def _channels_last(self, tensor: int) -> str:
        """The tensor in the source's memory order; free where it has one pixel or no channels."""
        name, shape = self._names[tensor], self._source.shapes[tensor]
        if len(shape) != 4 or shape[1] * shape[2] == 1:
            return name
        return self._writer.node("Transpose", [name], f"{name}_channels_last", perm=[0, 2, 3, 1])

    def _reshape(self, name: str, output: str, shape: tuple[int, ...]) -> str:
        # 0 keeps the batch as it is.
        target = self._writer.weights(f"{output}_shape", np.array([0, *shape], np.int64))
        return self._writer.node("Reshape", [name, target], output)

    def _activated(self, operator: Operator, name: str) -> str:
        activation = operator.options.get("FusedActivationFunction", _NO_ACTIVATION)
        if activation == _NO_ACTIVATION:
            return name
        if activation == _RELU:
            return self._writer.node("Relu", [name], f"{name}_relu")
        raise InputError(f"no conversion of {operator.name} with fused activation {activation}")

    def _pads(self, operator: Operator, kernel: tuple[int, int]) -> list[int]:
        """TFLite's SAME padding, made explicit: the odd pixel goes to the bottom right."""
        if operator.options["Padding"] == _VALID:
            return [0, 0, 0, 0]
        size = self._source.shapes[operator.inputs[0]][1:3]
        strides = (operator.options["StrideH"], operator.options["StrideW"])
        total = [
            max((-(-n // stride) - 1) * stride + k - n, 0)
            for n, stride, k in zip(size, strides, kernel, strict=True)
        ]
        return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]

    def _convolution(self, operator: Operator) -> str:
        source, options = self._source, operator.options
        output = f"t{operator.outputs[0]}"
        kernel = source.constants[operator.inputs[1]]
        depthwise = operator.name == "DEPTHWISE_CONV_2D"
        # (1, H, W, C) -> (C, 1, H, W), or (O, H, W, I) -> (O, I, H, W)
        weights = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
        if depthwise and options["DepthMultiplier"] != 1:
            raise InputError(f"no conversion of depth multiplier {options['DepthMultiplier']}")
        size = (kernel.shape[1], kernel.shape[2])
        inputs = [
            self._names[operator.inputs[0]],
            self._writer.weights(f"w{operator.inputs[1]}", weights),
            self._writer.weights(f"b{operator.inputs[2]}", source.constants[operator.inputs[2]]),
        ]
        name = self._writer.node(
            "Conv",
            inputs,
            output,
            kernel_shape=list(size),
            strides=[options["StrideH"], options["StrideW"]],
            dilations=[options["DilationHFactor"], options["DilationWFactor"]],
            pads=self._pads(operator, size),
            group=source.shapes[operator.inputs[0]][3] if depthwise else 1,
        )
        return self._activated(operator, name)

    def _max_pool(self, operator: Operator) -> str:
        options = operator.options
        size = (options["FilterHeight"], options["FilterWidth"])
        name = self._writer.node(
            "MaxPool",
            [self._names[operator.inputs[0]]],
            f"t{operator.outputs[0]}",
            kernel_shape=list(size),
            strides=[options["StrideH"], options["StrideW"]],
            pads=self._pads(operator, size),
        )
        return self._activated(operator, name)

    def _prelu(self, operator: Operator) -> str:
        slopes = self._source.constants[operator.inputs[1]].transpose(2, 0, 1)  # (C, 1, 1)
        return self._writer.node(
            "PRelu",
            [
                self._names[operator.inputs[0]],
                self._writer.weights(f"s{operator.inputs[1]}", slopes),
            ],
            f"t{operator.outputs[0]}",
        )

    def _pad(self, operator: Operator) -> str:
        amounts = self._source.constants[operator.inputs[1]].astype(np.int64)
        before, after = amounts[[0, 3, 1, 2], 0], amounts[[0, 3, 1, 2], 1]
        pads = self._writer.weights(f"p{operator.outputs[0]}", np.concatenate([before, after]))
        return self._writer.node(
            "Pad", [self._names[operator.inputs[0]], pads], f"t{operator.outputs[0]}"
        )

    def _add(self, operator: Operator) -> str:
        inputs = [self._names[tensor] for tensor in operator.inputs]
        return self._activated(
            operator, self._writer.node("Add", inputs, f"t{operator.outputs[0]}")
        )

    def _unary(self, operator: Operator) -> str:
        kind = {"RELU": "Relu", "LOGISTIC": "Sigmoid"}[operator.name]
        return self._writer.node(kind, [self._names[operator.inputs[0]]], f"t{operator.outputs[0]}")

    def _reshaped(self, operator: Operator) -> str:
        output = operator.outputs[0]
        shape = self._source.shapes[output][1:]
        return self._reshape(self._channels_last(operator.inputs[0]), f"t{output}", shape)

    def _concatenation(self, operator: Operator) -> str:
        if len(self._source.shapes[operator.outputs[0]]) == 4:
            raise InputError("no conversion of CONCATENATION of images")
        return self._writer.node(
            "Concat",
            [self._names[tensor] for tensor in operator.inputs],
            f"t{operator.outputs[0]}",
            axis=operator.options["Axis"],
        )


_HANDLERS: dict[str, Callable[[ImageNet, Operator], str]] = {
    "ADD": ImageNet._add,
    "CONCATENATION": ImageNet._concatenation,
    "CONV_2D": ImageNet._convolution,
    "DEPTHWISE_CONV_2D": ImageNet._convolution,
    "LOGISTIC": ImageNet._unary,
    "MAX_POOL_2D": ImageNet._max_pool,
    "PAD": ImageNet._pad,
    "PRELU": ImageNet._prelu,
    "RELU": ImageNet._unary,
    "RESHAPE": ImageNet._reshaped,
}
