"""The correspondence net as ONNX, for hosts without PyTorch.

image[batch,3,S,S] in -1..1 -> skin[batch,1,S/2,S/2] (0..1), canonical[batch,3,S/2,S/2] (metres),
deviation[batch,1,S/2,S/2] (metres) and normals[batch,3,S/2,S/2] (unit, camera axes), as `ViewMaps`.
Weights are 16-bit floats.
"""

from __future__ import annotations

import numpy as np

from mien.errors import InputError
from mien_exporters.tracker.graph_writer import GraphWriter
from mien_training.capture.correspondence.correspondence_net import (
    CHANNELS,
    LEAST_M,
    STRIDE,
    UNIT_M,
    CorrespondenceNet,
)
from mien_training.networks.unet_graph import UNetGraph

__all__ = ["FORMAT", "correspondence_onnx"]

FORMAT = "mien.correspondence 2"


def correspondence_onnx(net: CorrespondenceNet, side: int) -> bytes:
    """For images of `side` pixels; the same net gives the same bytes. Raises InputError for a side
    that is no multiple of `net.multiple`."""
    if side % net.multiple or side < net.multiple:
        raise InputError(f"correspondence_onnx: side {side}, expected multiples of {net.multiple}")
    cells = side // STRIDE
    writer = GraphWriter("correspondence")
    graph, node = UNetGraph(writer, net.unet), writer.node
    features = graph.features(_seen(writer, cells))
    raw = graph.convolution(features, "last")
    writer.weights("axis", np.array([1], np.int64))
    for name, (first, end) in CHANNELS.items():
        writer.weights(f"{name}.from", np.array([first], np.int64))
        writer.weights(f"{name}.to", np.array([end], np.int64))
        node("Slice", [raw, f"{name}.from", f"{name}.to", "axis"], f"{name}.raw")
    for name, value in {"unit": UNIT_M, "least": LEAST_M}.items():
        writer.weights(name, np.array(value, np.float32))
    node("Mul", ["places.raw", "unit"], "canonical")
    unsure = node("Mul", [node("Softplus", ["doubt.raw"], "doubt.soft"), "unit"], "doubt.metres")
    node("Add", [unsure, "least"], "deviation")
    node("Sigmoid", ["skin.raw"], "skin")
    node("LpNormalization", ["facing.raw"], "normals", axis=1, p=2)
    square = (cells, cells)
    model = writer.model(
        {"image": (3, side, side)},
        {"skin": (1, *square), "canonical": (3, *square), "deviation": (1, *square),
         "normals": (3, *square)},
        {"format": FORMAT, "side": str(side)},
    )  # fmt: skip
    return bytes(model.SerializeToString(deterministic=True))


def _seen(writer: GraphWriter, cells: int) -> str:
    """What the U-Net sees: pixels of a cell side by side, and places in the image."""
    node, weights = writer.node, writer.weights
    weights("apart", np.array([0, 3, cells, STRIDE, cells, STRIDE], np.int64))
    weights("stacked", np.array([0, 3 * STRIDE**2, cells, cells], np.int64))
    node("Reshape", ["image", "apart"], "image.cells")
    node("Transpose", ["image.cells"], "image.turned", perm=[0, 1, 3, 5, 2, 4])
    node("Reshape", ["image.turned", "stacked"], "image.stacked")
    line = np.linspace(-1, 1, cells, dtype=np.float32)
    grid = np.stack(np.meshgrid(line, line))[None]
    # Nothing times two of the channels, to have a grid for each image of the batch.
    ends = [weights(f"two.{n}", np.array([value], np.int64)) for n, value in enumerate((0, 2, 1))]
    two = node("Slice", ["image.stacked", *ends], "two")
    none = node("Mul", [two, weights("zero", np.array(0, np.float32))], "none")
    node("Add", [none, weights("grid", grid)], "places.grid")
    return node("Concat", ["image.stacked", "places.grid"], "seen", axis=1)
