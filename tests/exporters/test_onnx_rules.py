"""Graphs that some engine would refuse, or read wrongly, are refused with node and rule."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper
from support.animators import small_weights

from mien.errors import InputError
from mien_exporters.animator_onnx import animator_graph
from mien_exporters.onnx_rules import check_engine_rules, check_output_shapes


def node_of(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    return next(node for node in model.graph.node if node.op_type == kind)


def gru(model: onnx.ModelProto) -> None:
    node_of(model, "LSTM").op_type = "GRU"


def opset_18(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 18


def ir_10(model: onnx.ModelProto) -> None:
    model.ir_version = 10


def anonymous_dimension(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].Clear()


def numeric_name(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "7"


def output_with_its_own_name(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "frames"


def frozen_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7


def foreign_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def foreign_node(model: onnx.ModelProto) -> None:
    node_of(model, "Tanh").domain = "com.microsoft"


def lstm_attribute(name: str, value: object) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        node_of(model, "LSTM").attribute.append(helper.make_attribute(name, value))

    return change


def sequence_lengths(model: onnx.ModelProto) -> None:
    node_of(model, "LSTM").input[4] = "direction_axis"


def peepholes(model: onnx.ModelProto) -> None:
    node_of(model, "LSTM").input.append("lstm_b")


def double_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.DOUBLE


def double_weights(model: onnx.ModelProto) -> None:
    old = model.graph.initializer[0]
    old.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(old).astype(np.float64), old.name))


def unnamed_node(model: onnx.ModelProto) -> None:
    node_of(model, "Tanh").name = ""


def duplicate_name(model: onnx.ModelProto) -> None:
    node_of(model, "Tanh").name = node_of(model, "Sub").name


def external_weights(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def subgraph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "inner", [], [])
    node_of(model, "Tanh").attribute.append(
        AttributeProto(name="body", g=inner, type=AttributeProto.GRAPH)
    )


def own_function(model: onnx.ModelProto) -> None:
    model.functions.append(
        helper.make_function("mien", "F", [], [], [], [helper.make_opsetid("", 15)])
    )


def wrong_sizes(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.zeros(9, np.float32), "mean"))


REFUSED: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "GRU": (gru, r"node 'LSTM_hidden_tdbh' \(GRU\): rule: only operators that every engine has"),
    "opset 18": (opset_18, r"opset \[18\]; rule: opset 15"),
    "IR 10": (ir_10, "IR version 10; rule: IR version 8"),
    "anonymous": (anonymous_dimension, "input 'x': axis 1 has neither a size nor a name"),
    "numeric name": (numeric_name, "input 'x': axis 1 has neither a size nor a name"),
    "own name": (output_with_its_own_name, "output 'channels': axis 1 is 'frames', which no input"),
    "domain": (foreign_domain, r"imports the domains \['com.microsoft'\]"),
    "node's domain": (foreign_node, r"'Tanh_embedding' \(Tanh\): domain 'com.microsoft'; rule"),
    "reverse": (lstm_attribute("direction", "reverse"), "direction b'reverse'; rule: forward only"),
    "layout": (lstm_attribute("layout", 1), "layout 1; rule: layout 0"),
    "clip": (lstm_attribute("clip", 3.0), "attribute 'clip'; rule"),
    "activations": (
        lstm_attribute("activations", ["HardSigmoid", "Tanh", "Tanh"]),
        "attribute 'activations'; rule",
    ),
    "coupled": (lstm_attribute("input_forget", 1), "rule: no coupled gates"),
    "lengths": (sequence_lengths, "input sequence_lens is given"),
    "peepholes": (peepholes, "input P is given"),
    "double": (double_input, "input 'x' is double; rule: float32 in and out"),
    "double weights": (double_weights, "weights 'mean' are double; rule: float32"),
    "unnamed node": (unnamed_node, "rule: every node is named"),
    "duplicate name": (duplicate_name, r"node names \['Sub_centred'\] are used twice"),
    "external": (external_weights, "weights 'mean' lie in another file"),
    "subgraph": (subgraph, "attribute 'body'; rule: no subgraphs"),
    "function": (own_function, "function 'F'; rule: no functions"),
    "sizes": (wrong_sizes, "graph 'animator' is not valid ONNX"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_node_and_rule(case: str) -> None:
    change, message = REFUSED[case]
    model = animator_graph(small_weights(), 30.0, "CC0-1.0")
    check_engine_rules(model)
    change(model)
    with pytest.raises(InputError, match=message):
        check_engine_rules(model)


def single_node(kind: str, inputs: dict[str, tuple], **attributes: object) -> onnx.ModelProto:
    node = helper.make_node(kind, list(inputs), ["y"], name="only", **attributes)
    rank = len(next(iter(inputs.values())))
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()]
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch"] + [2] * (rank - 1))
    graph = helper.make_graph([node], "one", values, [out])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_operators_on_their_own() -> None:
    image = ("batch", 2, 2, 2)
    check_engine_rules(single_node("Conv", {"x": image, "w": (2, 2, 1, 1)}))
    with pytest.raises(InputError, match=r"'only' \(Conv\): input of rank 5; rule: at most 4"):
        check_engine_rules(single_node("Conv", {"x": (*image, 2), "w": (2, 2, 1, 1, 1)}))
    with pytest.raises(InputError, match="mode b'cubic'; rule: nearest or linear"):
        check_engine_rules(single_node("Resize", {"x": image}, mode="cubic"))
    with pytest.raises(InputError, match="tensor 'x' has rank 9; rule: at most 8"):
        check_engine_rules(single_node("Relu", {"x": ("batch", *[2] * 8)}))
    with pytest.raises(InputError, match="casts to 11; rule"):
        check_engine_rules(single_node("Cast", {"x": image}, to=TensorProto.DOUBLE))


def test_an_output_that_is_declared_for_one_length_only_is_refused() -> None:
    model = animator_graph(small_weights(), 30.0, "CC0-1.0")
    check_output_shapes(model)
    frozen_output(model)
    with pytest.raises(InputError, match=r"output 'channels' has shape \(1, 1, 5\) at batch 1"):
        check_output_shapes(model)
