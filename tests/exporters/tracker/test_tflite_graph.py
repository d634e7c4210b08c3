"""TFLite files as plain data: the real nets' facts, and files that are not nets."""

import zipfile

import numpy as np
import pytest

from mien.errors import InputError
from mien_exporters.tracker.tflite_graph import SourceGraph, read_tflite


@pytest.fixture
def landmark_net(shared_data) -> bytes:
    with zipfile.ZipFile(shared_data("tracker_mediapipe/face_landmarker.task")) as archive:
        return archive.read("face_landmarks_detector.tflite")


def test_the_landmark_net_has_its_known_parts(landmark_net: bytes) -> None:
    source = read_tflite(landmark_net, "landmarks")
    names = [operator.name for operator in source.operators]
    assert {name: names.count(name) for name in ("CONV_2D", "DEPTHWISE_CONV_2D", "PRELU")} == {
        "CONV_2D": 72, "DEPTHWISE_CONV_2D": 34, "PRELU": 69,
    }  # fmt: skip
    assert "DEQUANTIZE" not in names  # weights are resolved
    assert [source.shapes[tensor] for tensor in source.inputs] == [(1, 256, 256, 3)]
    assert [source.shapes[tensor] for tensor in source.outputs] == [
        (1, 1, 1, 1434), (1, 1, 1, 1), (1, 1),
    ]  # fmt: skip
    first = source.operators[0]
    assert first.options["StrideH"] == 2
    assert source.constants[first.inputs[1]].shape == (16, 3, 3, 3)
    assert source.constants[first.inputs[1]].dtype == np.float16


def test_producers_and_consumers_are_each_others_inverse(landmark_net: bytes) -> None:
    source: SourceGraph = read_tflite(landmark_net, "landmarks")
    for operator in source.operators[:40]:
        assert source.producer(operator.outputs[0]) is operator
        for tensor in operator.inputs:
            assert operator in source.consumers(tensor)


@pytest.mark.parametrize(
    "data", [b"", b"TFL3", b"\x00" * 64, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 80]
)
def test_what_is_no_net_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputError, match="some_net"):
        read_tflite(data, "some_net")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_cut_net_is_refused_by_name(landmark_net: bytes, share: float) -> None:
    with pytest.raises(InputError, match="some_net"):
        read_tflite(landmark_net[: int(len(landmark_net) * share)], "some_net")
