"""A TFLite file as plain data: operators in order, options by name, weights as numpy arrays."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["Operator", "SourceGraph", "read_tflite"]

_DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
_OPERATOR_NAMES = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if not name.startswith("_")
}
# Operator -> (options class, fields that its conversion needs).
_OPTIONS: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "CONV_2D": (
        tflite.Conv2DOptions,
        (
            "Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor",
            "FusedActivationFunction",
        ),
    ),
    "DEPTHWISE_CONV_2D": (
        tflite.DepthwiseConv2DOptions,
        (
            "Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor",
            "FusedActivationFunction", "DepthMultiplier",
        ),
    ),
    "MAX_POOL_2D": (
        tflite.Pool2DOptions,
        (
            "Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth",
            "FusedActivationFunction",
        ),
    ),
    "ADD": (tflite.AddOptions, ("FusedActivationFunction",)),
    "SUB": (tflite.SubOptions, ("FusedActivationFunction",)),
    "MUL": (tflite.MulOptions, ("FusedActivationFunction",)),
    "DIV": (tflite.DivOptions, ("FusedActivationFunction",)),
    "CONCATENATION": (tflite.ConcatenationOptions, ("Axis", "FusedActivationFunction")),
    "MEAN": (tflite.ReducerOptions, ("KeepDims",)),
    "SUM": (tflite.ReducerOptions, ("KeepDims",)),
    "STRIDED_SLICE": (
        tflite.StridedSliceOptions,
        ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask"),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """One operator: its name and options as TFLite spells them, tensors by index."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SourceGraph:
    """The only subgraph of a TFLite file, DEQUANTIZE of weights already resolved."""

    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    shapes: dict[int, tuple[int, ...]]
    """Tensor -> shape, channels last, batch 1."""
    constants: dict[int, NDArray[Any]]
    """Tensor -> weights in the source's own precision (float16 stays float16)."""

    def producer(self, tensor: int) -> Operator:
        """The operator that makes `tensor`."""
        return next(operator for operator in self.operators if tensor in operator.outputs)

    def consumers(self, tensor: int) -> tuple[Operator, ...]:
        """The operators that read `tensor`."""
        return tuple(operator for operator in self.operators if tensor in operator.inputs)


def read_tflite(data: bytes, name: str) -> SourceGraph:
    """Read a float TFLite net from `data`; `name` tells which one in error messages.

    Raises InputError when the bytes are no TFLite net or hold what mien does not convert.
    """
    if data[4:8] != b"TFL3":
        raise InputError(f"{name}: not a TFLite file (identifier {data[4:8]!r}, expected b'TFL3')")
    try:
        return _read(tflite.Model.GetRootAsModel(data, 0), name)
    except (IndexError, KeyError, ValueError, TypeError, AttributeError, struct.error) as error:
        raise InputError(f"{name}: damaged TFLite file ({error})") from error


def _read(model: Any, name: str) -> SourceGraph:
    if model.SubgraphsLength() != 1:
        raise InputError(f"{name}: {model.SubgraphsLength()} subgraphs, expected 1")
    graph = model.Subgraphs(0)
    shapes: dict[int, tuple[int, ...]] = {}
    constants: dict[int, NDArray[Any]] = {}
    for index in range(graph.TensorsLength()):
        tensor = graph.Tensors(index)
        shape = tuple(int(n) for n in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
        shapes[index] = shape
        buffer = model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            continue
        if tensor.Type() not in _DTYPES:
            raise InputError(f"{name}: tensor {index} has type {tensor.Type()}, expected a float")
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), _DTYPES[tensor.Type()])
        constants[index] = values.reshape(shape)
    operators = []
    for index in range(graph.OperatorsLength()):
        operator = _read_operator(model, graph.Operators(index))
        if operator.name == "DEQUANTIZE" and operator.inputs[0] in constants:
            constants[operator.outputs[0]] = constants[operator.inputs[0]]
        else:
            operators.append(operator)
    return SourceGraph(
        operators=tuple(operators),
        inputs=tuple(int(i) for i in graph.InputsAsNumpy()),
        outputs=tuple(int(i) for i in graph.OutputsAsNumpy()),
        shapes=shapes,
        constants=constants,
    )


def _read_operator(model: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Old files hold the code in a byte, new ones in a wider field; the larger one is meant.
    name = _OPERATOR_NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
    options: dict[str, int] = {}
    table = operator.BuiltinOptions()
    if name in _OPTIONS and table is not None:
        options_class, fields = _OPTIONS[name]
        reader = options_class()
        reader.Init(table.Bytes, table.Pos)
        options = {field_name: int(getattr(reader, field_name)()) for field_name in fields}
    return Operator(
        name=name,
        inputs=tuple(int(i) for i in operator.InputsAsNumpy() if i >= 0),
        outputs=tuple(int(i) for i in operator.OutputsAsNumpy()),
        options=options,
    )
