"""The matting net as ONNX, which is how it is stored, shipped and run.

matting.onnx: hints[batch,5,height,width] -> matte[batch,2,height,width], alpha and doubt; height
and width are multiples of 2^(levels - 1). Weights are 16-bit floats, computation is in 32.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mien_exporters.tracker.graph_writer import GraphWriter
from mien_training.avatar.mattes.matting_net import MattingNet

__all__ = ["FORMAT", "matting_onnx"]

FORMAT = "mien.matting 1"
_EPSILON = 1e-5
"""Of torch's GroupNorm."""


def matting_onnx(net: MattingNet) -> bytes:
    """The same net gives the same bytes."""
    graph = _Graph(net)
    now = graph.convolution("hints", "first")
    levels = []
    for depth in range(len(net.widths)):
        if depth:
            now = graph.halved(now, depth)
        now = graph.block(now, f"down.{depth}")
        levels.append(now)
    for step, skip in enumerate(levels[-2::-1]):
        now = graph.block(graph.joined(now, skip, step), f"up.{step}")
    graph.writer.node("Sigmoid", [graph.convolution(now, "last")], "matte")
    square = ("height", "width")
    model = graph.writer.model(
        {"hints": (net.first.in_channels, *square)}, {"matte": (2, *square)},
        {"format": FORMAT, "multiple": str(2 ** (len(net.widths) - 1))},
    )  # fmt: skip
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    def __init__(self, net: MattingNet) -> None:
        self.writer, self.groups, self.state = GraphWriter("matting"), net.groups, net.state_dict()
        self.writer.weights("twice", np.array([1, 1, 2, 2], np.float32))
        self.writer.weights("by_group", np.array([0, net.groups, -1], np.int64))
        self.writer.weights("ones", np.ones(net.groups, np.float32))
        self.writer.weights("zeros", np.zeros(net.groups, np.float32))

    def convolution(self, before: str, name: str) -> str:
        inputs = [before, self._half(f"{name}.weight"), self._half(f"{name}.bias")]
        return self.writer.node("Conv", inputs, f"{name}.out", pads=[1, 1, 1, 1])

    def block(self, now: str, name: str) -> str:
        for layer in (0, 3):
            now = self.convolution(now, f"{name}.body.{layer}")
            now = self._normalised(now, f"{name}.body.{layer + 1}")
            gate = self.writer.node("Sigmoid", [now], f"{now}.gate")
            now = self.writer.node("Mul", [now, gate], f"{now}.silu")
        return now

    def halved(self, now: str, depth: int) -> str:
        return self.writer.node(
            "AveragePool", [now], f"half.{depth}", kernel_shape=[2, 2], strides=[2, 2]
        )

    def joined(self, now: str, skip: str, step: int) -> str:
        larger = self.writer.node(
            "Resize", [now, "", "twice"], f"large.{step}", mode="linear",
            coordinate_transformation_mode="half_pixel",
        )  # fmt: skip
        return self.writer.node("Concat", [larger, skip], f"joined.{step}", axis=1)

    def _normalised(self, now: str, name: str) -> str:
        node = self.writer.node
        flat = node("Reshape", [now, "by_group"], f"{name}.flat")
        even = node(
            "InstanceNormalization", [flat, "ones", "zeros"], f"{name}.even", epsilon=_EPSILON
        )
        shape = node("Shape", [now], f"{name}.shape")
        back = node("Reshape", [even, shape], f"{name}.back")
        scaled = node("Mul", [back, self._half(f"{name}.weight", (1, 2))], f"{name}.scaled")
        return node("Add", [scaled, self._half(f"{name}.bias", (1, 2))], f"{name}.out")

    def _half(self, name: str, new_axes: tuple[int, ...] = ()) -> str:
        value: Tensor = self.state[name]
        array = np.expand_dims(value.detach().cpu().numpy().astype(np.float16), new_axes)
        return self.writer.weights(name, array)
