"""A `UNet` as nodes of an ONNX graph: weights are 16-bit floats, computation is in 32."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from mien_exporters.tracker.graph_writer import GraphWriter
from mien_training.networks.unet import UNet

__all__ = ["UNetGraph"]

_EPSILON = 1e-5
"""Of torch's GroupNorm."""


class UNetGraph:
    """Adds a net to a writer; the same net gives the same nodes."""

    def __init__(self, writer: GraphWriter, net: UNet) -> None:
        self.writer, self.net, self.state = writer, net, net.state_dict()
        writer.weights("twice", np.array([1, 1, 2, 2], np.float32))
        writer.weights("by_group", np.array([0, net.groups, -1], np.int64))
        writer.weights("ones", np.ones(net.groups, np.float32))
        writer.weights("zeros", np.zeros(net.groups, np.float32))

    def features(self, image: str) -> str:
        """Name of the features before the last convolution, of an image (B, C, H, W)."""
        now, levels = self.convolution(image, "first"), []
        for depth in range(len(self.net.widths)):
            if depth:
                now = self._halved(now, depth)
            now = self._block(now, f"down.{depth}")
            levels.append(now)
        for n in range(len(self.net.deeper)):
            now = self.writer.node("Add", [now, self._block(now, f"deeper.{n}")], f"deeper.{n}.sum")
        for step, skip in enumerate(levels[-2::-1]):
            now = self._block(self._joined(now, skip, step), f"up.{step}")
        return now

    def convolution(self, before: str, name: str) -> str:
        """Name of what the net's convolution `name` makes of `before`."""
        inputs = [before, self._half(f"{name}.weight"), self._half(f"{name}.bias")]
        return self.writer.node("Conv", inputs, f"{name}.out", pads=[1, 1, 1, 1])

    def _block(self, now: str, name: str) -> str:
        for layer in (0, 3):
            now = self.convolution(now, f"{name}.body.{layer}")
            now = self._normalised(now, f"{name}.body.{layer + 1}")
            gate = self.writer.node("Sigmoid", [now], f"{now}.gate")
            now = self.writer.node("Mul", [now, gate], f"{now}.silu")
        return now

    def _halved(self, now: str, depth: int) -> str:
        return self.writer.node(
            "AveragePool", [now], f"half.{depth}", kernel_shape=[2, 2], strides=[2, 2]
        )

    def _joined(self, now: str, skip: str, step: int) -> str:
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
