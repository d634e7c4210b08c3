"""What ONNX Runtime sees in a model, against what a manifest says."""

from __future__ import annotations

from dataclasses import replace

import onnx
import pytest
from onnx import TensorProto, helper
from support.packages import tiny_animator

from mien.errors import PackageError
from mien.manifest import ModelSignature, Tensor
from mien.model_signature import check_signature, read_signature


def identity(dtype: int, shape: list[object]) -> bytes:
    def value(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, dtype, shape)

    node = helper.make_node("Identity", ["x"], ["y"], "same")
    graph = helper.make_graph([node], "g", [value("x")], [value("y")])
    opset = [helper.make_opsetid("", 15)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def test_reads_names_types_and_axes_in_order() -> None:
    signature = read_signature(tiny_animator(), "a.onnx")
    assert signature.inputs == (
        Tensor("x", "float32", ("batch", "time", 56)),
        Tensor("h0", "float32", (1, "batch", 4)),
        Tensor("c0", "float32", (1, "batch", 4)),
    )
    assert [t.name for t in signature.outputs] == ["channels", "hn", "cn"]
    check_signature(signature, signature, "a.onnx")


def test_differences_are_named() -> None:
    signature = read_signature(tiny_animator(), "a.onnx")
    x, h0, c0 = signature.inputs
    for changed, message in (
        (replace(x, name="y"), "input 0 of the model is x .* the manifest says y"),
        (replace(x, shape=("batch", "time", 9)), r"says x float32\[batch, time, 9\]"),
        (replace(x, shape=("n", "time", 56)), r"says x float32\[n, time, 56\]"),
        (replace(x, dtype="int64"), r"says x int64\["),
    ):
        expected = ModelSignature((changed, h0, c0), signature.outputs)
        with pytest.raises(PackageError, match=message):
            check_signature(signature, expected, "a.onnx")
    fewer = ModelSignature((x, h0), signature.outputs)
    with pytest.raises(PackageError, match=r"input 2 of the model is c0 .* says nothing"):
        check_signature(signature, fewer, "a.onnx")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "a.onnx: ONNX Runtime cannot load it"),
        (b"text", "a.onnx: is not a valid ONNX model"),
        (identity(TensorProto.FLOAT16, [1]), "tensor 'x' is a tensor.float16."),
        (identity(TensorProto.FLOAT, [None, 2]), "axis 0 of tensor 'x' has neither"),
    ],
)
def test_unusable_models(data: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        read_signature(data, "a.onnx")
