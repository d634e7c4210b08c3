"""Whether an ONNX model is complete in its own bytes, found without loading it.

ONNX lets a tensor live in another file, named by a path relative to wherever the model is loaded.
Such a model works in one folder and fails in another, reads files that nobody has hashed, and may
name any file of the host. Sparse tensors and tensors that declare more values than they hold let a
few bytes ask for gigabytes. This module walks the protobuf messages in which tensors can occur
(onnx.proto, IR versions 3 to 13) and refuses all three.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from mien.budget import Budget
from mien.errors import PackageError

__all__ = ["check_model_content"]

_MAX_FIELDS = 500_000
_MAX_DEPTH = 100  # protobuf's own limit
_ORT_FORMAT = b"ORTM"  # at byte 4: a flatbuffer of ONNX Runtime's own, which no ONNX check reads

# Message -> field number -> message, for those on the way to a tensor or a name.
_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 14: "entry", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "value": {2: "type"},
    "type": {1: "tensor type"},
    "tensor type": {2: "shape"},
    "shape": {1: "dim"},
}
# Names that are no UTF-8 make ONNX Runtime print to stdout before it refuses the model.
_STRINGS: dict[str, frozenset[int]] = {
    "opset": frozenset({1}),
    "entry": frozenset({1, 2}),
    "graph": frozenset({2}),
    "function": frozenset({1, 4, 5, 6, 10}),
    "node": frozenset({1, 2, 3, 4, 7}),
    "attribute": frozenset({1}),
    "value": frozenset({1}),
    "dim": frozenset({2}),
}
_DIMS, _DATA, _NAME = 1, frozenset({4, 5, 6, 7, 9, 10, 11}), 8
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14

_Value = int | memoryview


def check_model_content(data: bytes | memoryview, where: str) -> None:
    """Raise PackageError, naming the tensor, unless the ONNX model in `data` stands alone.

    Refused: external data, sparse tensors, tensors that declare more values than they hold, ONNX
    Runtime's own format, and bytes that are not protobuf. What passes may still be no valid model.
    """
    view = memoryview(data)
    if view[4:8] == _ORT_FORMAT:
        raise PackageError(f"{where}: is in ONNX Runtime's own format, expected ONNX")
    budget = Budget(_MAX_FIELDS, "fields", where, PackageError)
    try:
        _walk(view, "model", where, budget, 0)
    except (IndexError, ValueError):
        raise PackageError(f"{where}: is not a valid ONNX model: its protobuf is broken") from None


def _walk(data: memoryview, message: str, where: str, budget: Budget, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise PackageError(f"{where}: nests messages more than {_MAX_DEPTH} deep")
    if message == "sparse":
        raise PackageError(f"{where}: has a sparse tensor, expected dense ones only")
    if message == "tensor":
        _check_tensor(data, where, budget)
        return
    children, strings = _CHILDREN.get(message, {}), _STRINGS.get(message, ())
    for number, value in _fields(data, budget):
        if not isinstance(value, memoryview):
            continue
        if number in strings:
            str(value, "utf-8")
        if number in children:
            _walk(value, children[number], where, budget, depth + 1)


def _check_tensor(data: memoryview, where: str, budget: Budget) -> None:
    dims: list[int] = []
    held, name, external = 0, "", False
    for number, value in _fields(data, budget):
        if isinstance(value, int):
            if number == _DIMS:
                dims.append(value)
            external |= number == _DATA_LOCATION and value != 0
        elif number == _DIMS:  # packed
            at = 0
            while at < len(value):
                budget.spend(1, "dims")
                dim, at = _varint(value, at)
                dims.append(dim)
        elif number == _NAME:
            name = str(value, "utf-8")[:80]
        external |= number == _EXTERNAL_DATA
        if number in _DATA:
            held += len(value) if isinstance(value, memoryview) else 8
    if external:
        raise PackageError(
            f"{where}: tensor {name!r} lies in another file, expected a model in a single file"
        )
    # Two values to a byte is the densest there is (4-bit integers).
    count = math.prod(dims[:64])
    if len(dims) > 64 or count > 2 * held:
        raise PackageError(
            f"{where}: tensor {name!r} declares {min(count, 2**63)} values, its data have "
            f"{held} bytes"
        )


def _fields(data: memoryview, budget: Budget) -> Iterator[tuple[int, _Value]]:
    """(number, value) of each field of one message; ValueError where that is not protobuf."""
    at = 0
    while at < len(data):
        budget.spend(1, "protobuf")
        key, at = _varint(data, at)
        kind = key & 7
        value: _Value
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 2, 5):
            size = {1: 8, 5: 4}.get(kind, 0)
            if kind == 2:
                size, at = _varint(data, at)
            if size > len(data) - at:
                raise ValueError("field is cut off")
            value = data[at : at + size]
            at += size
        else:  # groups, which onnx.proto never had
            raise ValueError(f"wire type {kind}")
        yield key >> 3, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """(value, index after it); IndexError at the end of `data`."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("varint of more than 10 bytes")
