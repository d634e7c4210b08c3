"""Models that are not complete in their own bytes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from support.packages import tiny_animator

from mien.errors import PackageError
from mien.model_signature import read_signature
from mien.onnx_content import check_model_content

SOUND = tiny_animator()


def external(tensor: onnx.TensorProto) -> onnx.TensorProto:
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    return tensor


def weights() -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones((4, 3), np.float32), "out_w")


def model_with(tensor: onnx.TensorProto) -> onnx.ModelProto:
    """The tiny animator with its output matrix replaced."""
    model = onnx.load_from_string(SOUND)
    index = [t.name for t in model.graph.initializer].index("out_w")
    model.graph.initializer[index].CopyFrom(tensor)
    return model


def in_a_constant(tensor: onnx.TensorProto) -> onnx.ModelProto:
    model = onnx.load_from_string(SOUND)
    model.graph.node.append(helper.make_node("Constant", [], ["unused"], "constant", value=tensor))
    return model


def in_a_subgraph(tensor: onnx.TensorProto) -> onnx.ModelProto:
    inner = helper.make_graph([], "inner", [], [], [tensor])
    model = onnx.load_from_string(SOUND)
    model.graph.node.append(
        helper.make_node("If", ["x"], ["unused"], "if", then_branch=inner, else_branch=inner)
    )
    return model


def in_a_function(tensor: onnx.TensorProto) -> onnx.ModelProto:
    model = onnx.load_from_string(SOUND)
    node = helper.make_node("Constant", [], ["y"], "constant", value=tensor)
    model.functions.append(
        helper.make_function("own", "f", [], ["y"], [node], [helper.make_opsetid("", 15)])
    )
    return model


@pytest.mark.parametrize("place", [model_with, in_a_constant, in_a_subgraph, in_a_function])
def test_external_data_are_refused_wherever_tensors_occur(place) -> None:
    check_model_content(place(weights()).SerializeToString(), "a.onnx")
    data = place(external(weights())).SerializeToString()
    with pytest.raises(PackageError, match=r"a\.onnx: tensor 'out_w' lies in another file"):
        check_model_content(data, "a.onnx")


def test_the_verdict_does_not_depend_on_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = model_with(external(weights())).SerializeToString()
    (tmp_path / "weights.bin").write_bytes(weights().raw_data)
    monkeypatch.chdir(tmp_path)  # where ONNX Runtime finds the file
    with pytest.raises(PackageError, match="lies in another file"):
        read_signature(data, "a.onnx")


def test_few_bytes_that_ask_for_gigabytes_are_refused() -> None:
    large = weights()
    large.dims[:] = [1 << 20, 1 << 12]
    with pytest.raises(PackageError, match=r"'out_w' declares 4294967296 values, .* 48 bytes"):
        check_model_content(model_with(large).SerializeToString(), "a.onnx")
    model = onnx.load_from_string(SOUND)
    values = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    index = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, index, [1 << 30]))
    with pytest.raises(PackageError, match="has a sparse tensor"):
        check_model_content(model.SerializeToString(), "a.onnx")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x18\0\0\0ORTM" + bytes(40), "ONNX Runtime's own format"),
        (b"no model", "its protobuf is broken"),
        (SOUND[:-5], "its protobuf is broken"),
        (SOUND.replace(b"squash", b"squ\xffsh"), "its protobuf is broken"),
        (b"\x08" + b"\xff" * 20, "its protobuf is broken"),
    ],
)
def test_bytes_that_are_no_onnx(data: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        check_model_content(data, "a.onnx")


def test_the_number_of_fields_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a field takes microseconds, so that 100 MB of them would take minutes."""
    monkeypatch.setattr("mien.onnx_content._MAX_FIELDS", 1000)
    with pytest.raises(PackageError, match="needs 1 fields, 1001 in all"):
        check_model_content(b"\x38\x01" * 1001, "a.onnx")


def test_nesting_is_bounded() -> None:
    graph = b""
    for _ in range(60):  # graph > node > attribute > graph ...
        for key in (0x32, 0x2A, 0x0A):
            size, prefix = len(graph), b""
            while size > 127:
                prefix, size = prefix + bytes([size & 127 | 128]), size >> 7
            graph = bytes([key]) + prefix + bytes([size]) + graph
    size, prefix = len(graph), b""
    while size > 127:
        prefix, size = prefix + bytes([size & 127 | 128]), size >> 7
    with pytest.raises(PackageError, match="more than 100 deep"):
        check_model_content(b"\x3a" + prefix + bytes([size]) + graph, "a.onnx")


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60) | st.tuples(st.integers(0, len(SOUND)), st.binary(max_size=8)))
def test_any_bytes_are_passed_or_refused(change: bytes | tuple[int, bytes]) -> None:
    data = change
    if isinstance(change, tuple):
        at, new = change
        data = SOUND[:at] + new + SOUND[at + len(new) :]
    with contextlib.suppress(PackageError):
        check_model_content(data, "a.onnx")
