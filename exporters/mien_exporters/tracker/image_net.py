"""Nets that look at images: TFLite's channels-last operators as channels-first ONNX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_exporters.tracker.graph_writer import GraphWriter
from mien_exporters.tracker.tflite_graph import Operator, SourceGraph

__all__ = ["ImageNet"]

_SAME, _VALID = 0, 1
_NO_ACTIVATION, _RELU = 0, 1
_BLOCK = 16
"""Channels that ONNX Runtime's blocked layout works on at once (with AVX-512; 8 without)."""
_READERS = frozenset({"LOGISTIC", "RESHAPE"})
"""Operators behind which a tensor's channels are read one by one."""
_SPLIT_CHANNELS = 8
"""Layers up to this width split their PRelu into channels instead of adding passes over memory."""


def _grown(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The array with zeros behind it along every axis, up to `shape`."""
    return np.pad(array, [(0, to - now) for now, to in zip(array.shape, shape, strict=True)])


@dataclass(frozen=True, eq=False)
class _Split:
    """How a convolution changes when the PRelu in its chain is split into relu(x), relu(-x).

    Twice the channels of a narrow layer cost nothing, because the runtime works on 16 at a time
    (8 without AVX-512) and pads; the Relu then comes for free with the convolution before it.
    """

    role: str
    """before: makes x and -x; between: weighs both, channel by channel; behind: adds them up."""
    slopes: NDArray[np.float32]

    def adapt(self, weights: NDArray[Any], bias: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.role == "before":
            return np.concatenate([weights, -weights]), np.concatenate([bias, -bias])
        if self.role == "behind":
            return np.concatenate([weights, weights], axis=1), bias
        full = weights.astype(np.float32)
        return (
            np.concatenate([full, -self.slopes[:, None, None, None] * full]),
            np.concatenate([bias, np.zeros_like(bias)]),
        )


class ImageNet:
    """Writes an image net node by node; four-dimensional tensors are channels-first inside.

    Only where a tensor's memory order is seen from outside (input, outputs, reshapes) does a
    Transpose stand.
    """

    def __init__(self, source: SourceGraph, writer: GraphWriter) -> None:
        self._source = source
        self._writer = writer
        self._names: dict[int, str] = {}
        self._widths: dict[int, int] = {}
        self._splits: dict[int, _Split] = {}
        self._absorbed: set[int] = set()
        self._plan_splits()

    def _plan_splits(self) -> None:
        """Find narrow convolution -> PRelu -> depthwise -> convolution chains to split."""
        for prelu in self._source.operators:
            if prelu.name != "PRELU":
                continue
            slopes = self._slopes(prelu)
            before = self._source.producer(prelu.inputs[0])
            between = self._only_reader(prelu)
            behind = self._only_reader(between) if between else None
            if not between or not behind or len(slopes) > _SPLIT_CHANNELS:
                continue
            chain = (before, between, behind)
            if [o.name for o in chain] != ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]:
                continue
            straight = all(o.options["FusedActivationFunction"] == 0 for o in (before, between))
            if not straight or self._only_reader(before) is not prelu:
                continue
            self._absorbed.add(prelu.outputs[0])
            for role, operator in zip(("before", "between", "behind"), chain, strict=True):
                self._splits[operator.outputs[0]] = _Split(role, slopes)

    def _only_reader(self, operator: Operator) -> Operator | None:
        """The one operator that reads this one's output; None if more do, or the outside does."""
        readers = self._source.consumers(operator.outputs[0])
        outside = operator.outputs[0] in self._source.outputs
        return readers[0] if len(readers) == 1 and not outside else None

    def write(self, input_names: tuple[str, ...]) -> None:
        """Write all operators of the source; its inputs get `input_names`, channels last."""
        for tensor, name in zip(self._source.inputs, input_names, strict=True):
            self._widths[tensor] = self._source.shapes[tensor][3]
            self._names[tensor] = self._writer.node(
                "Transpose", [name], f"{name}_channels_first", perm=[0, 3, 1, 2]
            )
        for operator in self._source.operators:
            if operator.name not in _HANDLERS:
                raise InputError(f"no conversion of the TFLite operator {operator.name}")
            first = operator.inputs[0]
            if first in self._widths:  # most operators keep the number of channels
                self._widths[operator.outputs[0]] = self._widths[first]
            self._names[operator.outputs[0]] = _HANDLERS[operator.name](self, operator)

    def flat_output(self, tensor: int, name: str, shape: tuple[int, ...]) -> None:
        """Give `tensor`, in channels-last order and of the given shape behind the batch, a name."""
        self._reshape(self._channels_last(tensor), name, shape)

    def _channels_last(self, tensor: int) -> str:
        """The tensor in the source's memory order; free where it has one pixel or no channels."""
        name, shape = self._names[tensor], self._source.shapes[tensor]
        if len(shape) != 4:
            return name
        if self._widths[tensor] != shape[3]:
            bounds = [
                self._writer.weights(f"{name}_{part}", np.array([value], np.int64))
                for part, value in (("from", 0), ("to", shape[3]), ("axis", 1))
            ]
            name = self._writer.node("Slice", [name, *bounds], f"{name}_own_channels")
        if shape[1] * shape[2] == 1:
            return name
        return self._writer.node("Transpose", [name], f"{name}_channels_last", perm=[0, 2, 3, 1])

    def _reshape(self, name: str, output: str, shape: tuple[int, ...]) -> str:
        # 0 keeps the batch as it is.
        target = self._writer.weights(f"{output}_shape", np.array([0, *shape], np.int64))
        return self._writer.node("Reshape", [name, target], output)

    def _chosen_width(self, tensor: int, channels: int) -> int:
        """How many channels a convolution gives `tensor`: whole blocks, unless it is read next.

        The new ones are zero, and every operator that keeps them leaves them zero.
        """
        consumers = self._source.consumers(tensor)
        if not consumers or any(operator.name in _READERS for operator in consumers):
            return channels
        return -(-channels // _BLOCK) * _BLOCK

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
        depthwise = operator.name == "DEPTHWISE_CONV_2D"
        if depthwise and options["DepthMultiplier"] != 1:
            raise InputError(f"no conversion of depth multiplier {options['DepthMultiplier']}")
        kernel = source.constants[operator.inputs[1]]
        bias = source.constants[operator.inputs[2]]
        # (1, H, W, C) -> (C, 1, H, W), or (O, H, W, I) -> (O, I, H, W)
        weights = kernel.transpose(3, 0, 1, 2) if depthwise else kernel.transpose(0, 3, 1, 2)
        split = self._splits.get(operator.outputs[0])
        if split is not None:
            weights, bias = split.adapt(weights, bias)
        width = self._widths[operator.inputs[0]]
        outputs = width if depthwise else self._chosen_width(operator.outputs[0], len(weights))
        inputs = 1 if depthwise else width
        self._widths[operator.outputs[0]] = outputs
        weights = _grown(weights, (outputs, inputs, *weights.shape[2:]))
        bias = _grown(bias, (outputs,))
        size = (kernel.shape[1], kernel.shape[2])
        name = self._writer.node(
            "Conv",
            [
                self._names[operator.inputs[0]],
                # Named after the output: a split makes others of weights that layers share.
                self._writer.weights(f"w{operator.outputs[0]}", weights),
                self._writer.weights(f"b{operator.outputs[0]}", bias),
            ],
            f"t{operator.outputs[0]}",
            kernel_shape=list(size),
            strides=[options["StrideH"], options["StrideW"]],
            dilations=[options["DilationHFactor"], options["DilationWFactor"]],
            pads=self._pads(operator, size),
            group=len(weights) if depthwise else 1,
        )
        if split is not None and split.role == "before":
            name = self._writer.node("Relu", [name], f"{name}_halves")
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
        """prelu(x) = x + sign(1 - a) relu(-|1 - a| x), as two channel-wise convolutions.

        ONNX Runtime has no fast PRelu, and it would leave the blocked layout that its
        convolutions run in.
        """
        name, output = self._names[operator.inputs[0]], f"t{operator.outputs[0]}"
        if operator.outputs[0] in self._absorbed:
            return name
        slopes = self._slopes(operator)
        channels = self._widths[operator.inputs[0]]
        slopes = _grown(slopes, (channels,))
        scale = self._writer.weights(f"{output}_scale", -np.abs(1 - slopes).reshape(-1, 1, 1, 1))
        sign = self._writer.weights(
            f"{output}_sign", np.where(slopes > 1, -1, 1).astype(np.float16).reshape(-1, 1, 1, 1)
        )
        bent = self._writer.node("Conv", [name, scale], f"{output}_scaled", group=channels)
        bent = self._writer.node("Relu", [bent], f"{output}_bent")
        bent = self._writer.node("Conv", [bent, sign], f"{output}_signed", group=channels)
        return self._writer.node("Add", [bent, name], output)

    def _slopes(self, operator: Operator) -> NDArray[np.float32]:
        return self._source.constants[operator.inputs[1]].astype(np.float32).ravel()

    def _pad(self, operator: Operator) -> str:
        """New channels of zeros, by a 1x1 convolution: Pad would leave the blocked layout."""
        amounts = self._source.constants[operator.inputs[1]]
        if amounts[:3].any() or amounts[3, 0]:
            raise InputError(f"no conversion of PAD by {amounts.tolist()}")
        name = self._names[operator.inputs[0]]
        output = operator.outputs[0]
        before = self._widths[operator.inputs[0]]
        after = self._chosen_width(output, self._source.shapes[output][3])
        self._widths[output] = after
        if before == after:
            return name
        grown = np.eye(after, before, dtype=np.float16)[:, :, None, None]
        weights = self._writer.weights(f"w{operator.outputs[0]}", grown)
        return self._writer.node("Conv", [name, weights], f"t{operator.outputs[0]}")

    def _add(self, operator: Operator) -> str:
        inputs = [self._names[tensor] for tensor in operator.inputs]
        if len({self._widths[tensor] for tensor in operator.inputs}) != 1:
            raise InputError("no conversion of ADD of tensors that are not equally wide here")
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
