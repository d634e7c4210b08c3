"""What an ONNX graph must keep to so that game engines load it, and not only ONNX Runtime.

The rules are the common ground of Unity's Inference Engine, Unreal's NNE and ONNX Runtime (native
and WebAssembly): opset 15, IR 8, no control flow, plain float32, named dynamic dimensions. A graph
is refused, never warned about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper

from mien.errors import InputError

__all__ = ["ALLOWED_OPS", "check_engine_rules", "check_output_shapes"]

OPSET, IR_VERSION = 15, 8

ALLOWED_OPS = frozenset(
    """
    Add Sub Mul Div Pow Sqrt Exp Log Abs Neg Min Max Clip Sigmoid Tanh Relu LeakyRelu Softplus Erf
    Softmax Gemm MatMul Conv ConvTranspose LSTM ReduceMean ReduceSum Transpose Reshape Squeeze
    Unsqueeze Slice Concat Split Gather Expand Where Cast Identity Constant ConstantOfShape Shape
    Pad Tile Resize Sin Cos InstanceNormalization BatchNormalization AveragePool MaxPool
    GlobalAveragePool DepthToSpace
    """.split()
)

_MAX_RANK, _MAX_CONV_RANK = 8, 4
_TYPES = {TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL}
_GRAPH_TYPES = {AttributeProto.GRAPH, AttributeProto.GRAPHS}
_SPARSE_TYPES = {AttributeProto.SPARSE_TENSOR, AttributeProto.SPARSE_TENSORS}


def check_engine_rules(model: onnx.ModelProto) -> None:
    """Raise InputError, naming node or tensor and the rule, unless game engines can load `model`.

    A graph that passes is also a valid one: onnx's full check is part of it.
    """
    _check_versions(model)
    for node in model.graph.node:
        _check_node(node)
    names = [node.name for node in model.graph.node]
    duplicates = sorted(name for name, count in Counter(names).items() if count > 1)
    if duplicates:
        raise InputError(f"node names {duplicates} are used twice; rule: every name is unique")
    for tensor in model.graph.initializer:
        if tensor.data_location == TensorProto.EXTERNAL:
            raise InputError(f"weights {tensor.name!r} lie in another file; rule: a single file")
        if tensor.data_type not in _TYPES:
            raise InputError(
                f"weights {tensor.name!r} are {_type_name(tensor.data_type)}; rule: float32, and "
                "int64 for indices"
            )
    _check_interface(model.graph)
    try:
        onnx.checker.check_model(model, full_check=True)
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as reason:  # the checker's errors have no common base below Exception
        raise InputError(f"graph {model.graph.name!r} is not valid ONNX: {reason}") from None
    _check_inner_tensors(inferred.graph)


def check_output_shapes(
    model: onnx.ModelProto, sizes: Sequence[tuple[int, int]] = ((1, 1), (2, 7), (1, 400))
) -> None:
    """Run `model` for each (batch, time); InputError where an output has not its declared shape."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    for batch, time in sizes:
        dims = {"batch": batch, "time": time}

        def sized(shape: list[Any], dims: dict[str, int] = dims) -> tuple[int, ...]:
            return tuple(dims[d] if isinstance(d, str) else d for d in shape)

        feed = {i.name: np.zeros(sized(i.shape), np.float32) for i in session.get_inputs()}
        results = session.run(None, feed)
        for declared, result in zip(session.get_outputs(), results, strict=True):
            if result.shape != sized(declared.shape):
                raise InputError(
                    f"output {declared.name!r} has shape {result.shape} at batch {batch}, time "
                    f"{time}; declared is {declared.shape}"
                )


def _check_versions(model: onnx.ModelProto) -> None:
    opsets = {o.domain: o.version for o in model.opset_import}
    foreign = sorted(domain for domain in opsets if domain not in ("", "ai.onnx"))
    if foreign:
        raise InputError(f"model imports the domains {foreign}; rule: ONNX's own operators only")
    if list(opsets.values()) != [OPSET]:
        raise InputError(f"model has opset {list(opsets.values())}; rule: opset {OPSET}")
    if model.ir_version != IR_VERSION:
        raise InputError(f"model has IR version {model.ir_version}; rule: IR version {IR_VERSION}")
    if model.functions:
        raise InputError(f"model defines function {model.functions[0].name!r}; rule: no functions")
    if model.training_info:
        raise InputError("model carries training graphs; rule: inference only")
    if model.graph.sparse_initializer:
        raise InputError("model has sparse weights; rule: no sparse tensors")


def _check_node(node: onnx.NodeProto) -> None:
    where = f"node {node.name!r} ({node.op_type})"
    if not node.name:
        raise InputError(f"node {node.op_type} -> {list(node.output)}; rule: every node is named")
    if node.domain not in ("", "ai.onnx"):
        raise InputError(f"{where}: domain {node.domain!r}; rule: ONNX's own operators only")
    for attribute in node.attribute:
        if attribute.type in _GRAPH_TYPES:
            raise InputError(f"{where}: attribute {attribute.name!r}; rule: no subgraphs")
        if attribute.type in _SPARSE_TYPES:
            raise InputError(f"{where}: attribute {attribute.name!r}; rule: no sparse tensors")
    if node.op_type not in ALLOWED_OPS:
        raise InputError(f"{where}: rule: only operators that every engine has")
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "LSTM":
        _check_lstm(node, attributes, where)
    if node.op_type == "Resize":
        _check_resize(node, attributes, where)
    if node.op_type == "Cast" and attributes.get("to") not in _TYPES:
        raise InputError(f"{where}: casts to {attributes.get('to')}; rule: float32, int64 or bool")


def _check_lstm(node: onnx.NodeProto, attributes: dict[str, Any], where: str) -> None:
    if attributes.get("direction", b"forward") != b"forward":
        raise InputError(f"{where}: direction {attributes['direction']!r}; rule: forward only")
    if attributes.get("layout", 0) != 0:
        raise InputError(f"{where}: layout {attributes['layout']}; rule: layout 0")
    if attributes.get("input_forget", 0) != 0:
        raise InputError(f"{where}: input_forget is set; rule: no coupled gates")
    for name in ("clip", "activations", "activation_alpha", "activation_beta"):
        value = attributes.get(name)
        if value is not None and value != [b"Sigmoid", b"Tanh", b"Tanh"]:
            raise InputError(f"{where}: attribute {name!r}; rule: default activations, no clip")
    for index, name in ((4, "sequence_lens"), (7, "P")):
        if len(node.input) > index and node.input[index]:
            raise InputError(f"{where}: input {name} is given; rule: no {name}")


def _check_resize(node: onnx.NodeProto, attributes: dict[str, Any], where: str) -> None:
    mode = attributes.get("mode", b"nearest")
    if mode not in (b"nearest", b"linear"):
        raise InputError(f"{where}: mode {mode!r}; rule: nearest or linear")
    if attributes.get("coordinate_transformation_mode") == b"tf_crop_and_resize":
        raise InputError(f"{where}: tf_crop_and_resize; rule: no region of interest")
    for name in ("exclude_outside", "cubic_coeff_a"):
        if attributes.get(name):
            raise InputError(f"{where}: attribute {name!r}; rule: nearest or linear, plain")
    if len(node.input) > 1 and node.input[1]:
        raise InputError(f"{where}: input roi is given; rule: no region of interest")


def _check_interface(graph: onnx.GraphProto) -> None:
    known: set[str] = set()
    for kind, values in (("input", graph.input), ("output", graph.output)):
        for value in values:
            where = f"{kind} {value.name!r}"
            tensor = value.type.tensor_type
            if not value.type.HasField("tensor_type") or tensor.elem_type != TensorProto.FLOAT:
                raise InputError(
                    f"{where} is {_type_name(tensor.elem_type)}; rule: float32 in and out"
                )
            if not tensor.HasField("shape"):
                raise InputError(f"{where} has no shape; rule: ranks are fixed")
            for axis, dim in enumerate(tensor.shape.dim):
                if dim.HasField("dim_value") and dim.dim_value > 0:
                    continue
                if not dim.dim_param.isidentifier():
                    raise InputError(
                        f"{where}: axis {axis} has neither a size nor a name "
                        f"({dim.dim_param!r}); rule: dynamic dimensions are named"
                    )
                if kind == "input":
                    known.add(dim.dim_param)
                elif dim.dim_param not in known:
                    raise InputError(
                        f"{where}: axis {axis} is {dim.dim_param!r}, which no input has; rule: "
                        "outputs use the inputs' names"
                    )


def _check_inner_tensors(graph: onnx.GraphProto) -> None:
    ranks = {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        tensor = value.type.tensor_type
        if tensor.elem_type not in _TYPES:
            raise InputError(
                f"tensor {value.name!r} is {_type_name(tensor.elem_type)}; rule: float32, and "
                "int64 for indices"
            )
        if tensor.HasField("shape"):
            ranks[value.name] = len(tensor.shape.dim)
    for name, rank in ranks.items():
        if rank > _MAX_RANK:
            raise InputError(f"tensor {name!r} has rank {rank}; rule: at most {_MAX_RANK}")
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            conv_rank = ranks.get(node.input[0])
            if conv_rank is None or conv_rank > _MAX_CONV_RANK:
                raise InputError(
                    f"node {node.name!r} ({node.op_type}): input of rank {conv_rank}; rule: at "
                    f"most {_MAX_CONV_RANK}"
                )


def _type_name(kind: int) -> str:
    return str(TensorProto.DataType.Name(kind)).lower()
