"""The ONNX model under construction: weights once, only what is needed, the same bytes."""

import numpy as np
import onnx

from mien_exporters.tracker.graph_writer import GraphWriter


def model() -> onnx.ModelProto:
    writer = GraphWriter("net")
    half = np.array([1.5, 2.5], np.float16)
    a = writer.node("Mul", ["x", writer.weights("w", half)], "a")
    writer.node("Relu", [writer.weights("unused", half)], "nowhere")
    writer.node("Add", [a, writer.weights("w", half)], "y")
    return writer.model({"x": (2,)}, {"y": (2,)}, {"licence": "none"})


def test_the_model_is_of_the_fixed_version_and_has_a_free_batch() -> None:
    built = model()
    assert built.ir_version == 8
    assert built.opset_import[0].version == 15
    assert built.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert built.metadata_props[0].key == "licence"


def test_half_weights_are_stored_once_and_cast() -> None:
    built = model()
    (stored,) = built.graph.initializer
    assert stored.data_type == onnx.TensorProto.FLOAT16
    assert [node.op_type for node in built.graph.node] == ["Cast", "Mul", "Add"]


def test_it_computes() -> None:
    from onnx.reference import ReferenceEvaluator

    x = np.array([[2.0, 4.0], [0.0, -1.0]], np.float32)
    (y,) = ReferenceEvaluator(model()).run(None, {"x": x})
    np.testing.assert_array_equal(y, x * [1.5, 2.5] + [1.5, 2.5])


def test_bytes_are_deterministic() -> None:
    first, second = (model().SerializeToString(deterministic=True) for _ in range(2))
    assert first == second
