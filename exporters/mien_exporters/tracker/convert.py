"""Which tensors of the three source nets become which inputs and outputs of the ONNX nets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from mien.errors import InputError
from mien_exporters.tracker.graph_writer import GraphWriter
from mien_exporters.tracker.image_net import ImageNet
from mien_exporters.tracker.points_net import PointsNet
from mien_exporters.tracker.tflite_graph import SourceGraph

__all__ = ["NETS", "NetSpec", "OutputSpec", "convert_net"]


@dataclass(frozen=True)
class OutputSpec:
    """One output of a converted net."""

    name: str
    shape: tuple[int, ...]
    """Shape behind the batch."""
    tensor: Callable[[SourceGraph], int]
    """Finds the tensor in the source."""


@dataclass(frozen=True)
class NetSpec:
    """One net: its file in the source, its file here, its tensors."""

    source_name: str
    name: str
    input_name: str
    input_shape: tuple[int, ...]
    """Shape behind the batch; images are (H, W, 3)."""
    outputs: tuple[OutputSpec, ...]
    writer: type[ImageNet] | type[PointsNet]


def _output(index: int) -> Callable[[SourceGraph], int]:
    return lambda source: source.outputs[index]


def _before_heads(source: SourceGraph) -> int:
    """The tensor that the output layers read, (1, 2, 2, 128)."""
    return source.producer(source.outputs[0]).inputs[0]


def _last_map(source: SourceGraph) -> int:
    """The last tensor of shape (1, 4, 4, 128), behind its activation."""
    made = [operator.outputs[0] for operator in source.operators]
    maps = [tensor for tensor in made if source.shapes[tensor] == (1, 4, 4, 128)]
    if not maps:
        raise InputError("the landmark net has no tensor of shape (1, 4, 4, 128)")
    return maps[-1]


NETS = (
    NetSpec(
        "face_detector.tflite",
        "face_detector",
        "image",
        (128, 128, 3),
        (
            OutputSpec("boxes", (896, 16), _output(0)),
            OutputSpec("logits", (896,), _output(1)),
        ),
        ImageNet,
    ),
    NetSpec(
        "face_landmarks_detector.tflite",
        "face_landmarks",
        "image",
        (256, 256, 3),
        (
            OutputSpec("landmarks", (478, 3), _output(0)),
            OutputSpec("presence_logit", (1,), _output(1)),
            OutputSpec("tongue_out", (1,), _output(2)),
            OutputSpec("deep", (512,), _before_heads),
            OutputSpec("deep_map", (2048,), _last_map),
        ),
        ImageNet,
    ),
    NetSpec(
        "face_blendshapes.tflite",
        "face_scores",
        "points",
        (146, 2),
        (OutputSpec("scores", (52,), _output(0)),),
        PointsNet,
    ),
)
"""Images have values in [-1, 1] (detector) or [0, 1] (landmarks), RGB, channels last; points are
in pixels. `deep` and `deep_map` are the channels-last tensors (2, 2, 128) and (4, 4, 128), flat."""


def convert_net(source: SourceGraph, spec: NetSpec, metadata: dict[str, str]) -> onnx.ModelProto:
    """Rewrite one net as ONNX: opset 15, IR 8, dynamic batch, float16 weights stay float16.

    Raises InputError when the source differs from what `spec` expects or has an operator that
    has no conversion.
    """
    shapes = [source.shapes[tensor] for tensor in source.inputs]
    if shapes != [(1, *spec.input_shape)]:
        raise InputError(
            f"{spec.source_name}: inputs {shapes}, expected {[(1, *spec.input_shape)]}"
        )
    writer = GraphWriter(spec.name)
    net = spec.writer(source, writer)
    net.write((spec.input_name,))
    for output in spec.outputs:
        net.flat_output(output.tensor(source), output.name, output.shape)
    return writer.model(
        {spec.input_name: spec.input_shape},
        {output.name: output.shape for output in spec.outputs},
        metadata,
    )
