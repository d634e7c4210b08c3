"""Small TFLite-like graphs for the converter's tests, and what they compute, in plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_exporters.tracker.graph_writer import GraphWriter
from mien_exporters.tracker.tflite_graph import Operator, SourceGraph

SAME, VALID = 0, 1


class SourceBuilder:
    """Collects operators the way a TFLite file lists them."""

    def __init__(self, *input_shape: int) -> None:
        self.shapes: dict[int, tuple[int, ...]] = {0: input_shape}
        self.constants: dict[int, NDArray[Any]] = {}
        self.operators: list[Operator] = []

    def constant(self, values: NDArray[Any]) -> int:
        tensor = len(self.shapes)
        self.shapes[tensor] = values.shape
        self.constants[tensor] = values
        return tensor

    def add(self, name: str, inputs: list[int], shape: tuple[int, ...], **options: int) -> int:
        tensor = len(self.shapes)
        self.shapes[tensor] = shape
        self.operators.append(Operator(name, tuple(inputs), (tensor,), options))
        return tensor

    def convolution(
        self, tensor: int, kernel: NDArray[Any], bias: NDArray[Any], stride: int = 1,
        padding: int = SAME, depthwise: bool = False, activation: int = 0,
    ) -> int:  # fmt: skip
        _, height, width, _ = self.shapes[tensor]
        kh, kw = kernel.shape[1:3]
        channels = kernel.shape[3] if depthwise else kernel.shape[0]
        shape = (
            (-(-height // stride), -(-width // stride))
            if padding == SAME
            else ((height - kh) // stride + 1, (width - kw) // stride + 1)
        )
        return self.add(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            [tensor, self.constant(kernel), self.constant(bias)],
            (1, *shape, channels),
            Padding=padding, StrideH=stride, StrideW=stride, DilationHFactor=1,
            DilationWFactor=1, FusedActivationFunction=activation, DepthMultiplier=int(depthwise),
        )  # fmt: skip

    def graph(self, *outputs: int) -> SourceGraph:
        return SourceGraph(tuple(self.operators), (0,), outputs, self.shapes, self.constants)


def convolve(
    image: NDArray[Any], kernel: NDArray[Any], bias: NDArray[Any], stride: int = 1,
    padding: int = SAME, depthwise: bool = False,
) -> NDArray[np.float64]:  # fmt: skip
    """TFLite's convolution of (H, W, I): written pixel by pixel from its documentation."""
    kh, kw = kernel.shape[1:3]
    height, width, channels = image.shape
    if padding == SAME:
        rows, columns = -(-height // stride), -(-width // stride)
        down = max((rows - 1) * stride + kh - height, 0)
        across = max((columns - 1) * stride + kw - width, 0)
    else:
        rows, columns = (height - kh) // stride + 1, (width - kw) // stride + 1
        down = across = 0
    padded = np.zeros((height + down, width + across, channels))
    padded[down // 2 :, across // 2 :][:height, :width] = image
    output = np.zeros((rows, columns, channels if depthwise else kernel.shape[0]))
    for y in range(rows):
        for x in range(columns):
            patch = padded[y * stride : y * stride + kh, x * stride : x * stride + kw]
            if depthwise:
                output[y, x] = (patch * kernel[0]).sum(axis=(0, 1)) + bias
            else:
                output[y, x] = np.tensordot(kernel, patch, axes=3) + bias
    return output


def prelu(x: NDArray[Any], slopes: NDArray[Any]) -> NDArray[Any]:
    return np.where(x > 0, x, x * slopes)


def run(
    net_class: type, source: SourceGraph, shape: tuple[int, ...], values: NDArray[Any]
) -> tuple[NDArray[np.float32], list[str]]:
    """Convert, check, run with ONNX Runtime: the first output and the kinds of nodes."""
    import onnxruntime

    writer = GraphWriter("net")
    net = net_class(source, writer)
    net.write(("x",))
    net.flat_output(source.outputs[0], "y", shape)
    model = writer.model({"x": tuple(source.shapes[0][1:])}, {"y": shape}, {})
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    output: NDArray[np.float32] = session.run(["y"], {"x": values.astype(np.float32)})[0]
    return output, [node.op_type for node in model.graph.node]
