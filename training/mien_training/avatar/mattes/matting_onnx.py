"""The matting net as ONNX, which is how it is stored, shipped and run.

matting.onnx: hints[batch,5,height,width] -> matte[batch,2,height,width], alpha and doubt; height
and width are multiples of 2^(levels - 1). Weights are 16-bit floats, computation is in 32.
"""

from __future__ import annotations

from mien_exporters.tracker.graph_writer import GraphWriter
from mien_training.avatar.mattes.matting_net import MattingNet
from mien_training.networks.unet_graph import UNetGraph

__all__ = ["FORMAT", "matting_onnx"]

FORMAT = "mien.matting 1"


def matting_onnx(net: MattingNet) -> bytes:
    """The same net gives the same bytes."""
    graph = UNetGraph(GraphWriter("matting"), net)
    features = graph.features("hints")
    graph.writer.node("Sigmoid", [graph.convolution(features, "last")], "matte")
    square = ("height", "width")
    model = graph.writer.model(
        {"hints": (net.first.in_channels, *square)}, {"matte": (2, *square)},
        {"format": FORMAT, "multiple": str(2 ** (len(net.widths) - 1))},
    )  # fmt: skip
    return bytes(model.SerializeToString(deterministic=True))
