"""A GLB's JSON and the arrays behind its accessors, every bound checked, memory in one budget."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.budget import Budget, decoding_budget
from mien.errors import InputError
from mien.strict_json import Fields, parse_strict

__all__ = ["COMPONENT_TYPES", "TYPE_WIDTHS", "GlbDocument"]

COMPONENT_TYPES: dict[int, np.dtype[Any]] = {
    5120: np.dtype("<i1"),
    5121: np.dtype("<u1"),
    5122: np.dtype("<i2"),
    5123: np.dtype("<u2"),
    5125: np.dtype("<u4"),
    5126: np.dtype("<f4"),
}
TYPE_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}

_MAX_COUNT = 2**31 - 1
_BLOCK = 1 << 16
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")


class GlbDocument:
    """The JSON of a glTF 2.0 binary file and checked access to its one embedded buffer.

    `where` names the file in messages. Raises InputError for anything that the file claims and
    does not hold; an array is never returned before its bytes are known to be there. Whatever is
    allocated for the file is charged to `budget` first: parsing, expanding sparse accessors (each
    once, however often it is asked for), and what a caller builds from the arrays.
    """

    def __init__(
        self, data: bytes | memoryview, where: str = "GLB", budget: Budget | None = None
    ) -> None:
        self.where = where
        self.budget = decoding_budget(len(data), where) if budget is None else budget
        self._lists: dict[str, list[Fields]] = {}
        self._expanded: dict[tuple[int, int, str], NDArray[Any]] = {}
        json_chunk, self._binary = _chunks(memoryview(data), where)
        self.json = Fields(
            parse_strict(bytes(json_chunk), f"{where}: JSON chunk", InputError, self.budget),
            where,
            InputError,
        )
        version = self.json.object("asset").text("version")
        if version != "2.0":
            raise InputError(f"{where}: asset: field 'version' is {version!r}, expected '2.0'")
        if "extensionsRequired" in self.json:
            raise InputError(
                f"{where}: field 'extensionsRequired' asks for "
                f"{', '.join(self.json.texts('extensionsRequired'))}; "
                "a character uses no extensions"
            )

    def all(self, kind: str) -> list[Fields]:
        """The top-level list `kind` ("meshes", "nodes", ...); empty when it is absent."""
        if kind not in self._lists:
            self._lists[kind] = self.json.objects(kind) if kind in self.json else []
        return self._lists[kind]

    def one(self, kind: str, owner: Fields, key: str) -> Fields:
        """The object of list `kind` that field `key` of `owner` points at."""
        choices = self.all(kind)
        index = owner.integer(key)
        if index >= len(choices):
            raise InputError(
                f"{owner.where}: field {key!r} is {index}, but the file has {len(choices)} {kind}"
            )
        return choices[index]

    def accessor(
        self, owner: Fields, key: str, type_: str, components: tuple[int, ...]
    ) -> NDArray[Any]:
        """The array behind the accessor that field `key` of `owner` points at; read-only.

        Returns (count,) for SCALAR, (count, width) otherwise, in the file's component type, which
        must be one of `components`. Dense accessors are views of the file's bytes; sparse ones
        come back expanded, and stay as long as the document does.
        """
        accessor, dtype, width = self._layout(owner, key, type_, components)
        index = (owner.integer(key), dtype.num, type_)
        if index not in self._expanded:
            count = accessor.integer("count", 1, _MAX_COUNT)
            if "sparse" not in accessor:
                array = self._base(accessor, count, dtype, width)
                _check_finite(array, accessor, owner, key)
            else:
                self._check_base(accessor)
                self.budget.spend(count * width * dtype.itemsize, f"{accessor.where}: expanding")
                array = np.empty((count, width), dtype)
                self._fill(array, accessor, owner, key)
                array.flags.writeable = False
                self._expanded[index] = array
        else:
            array = self._expanded[index]
        return array[:, 0] if type_ == "SCALAR" else array

    def read_into(
        self, out: NDArray[Any], owner: Fields, key: str, type_: str, components: tuple[int, ...]
    ) -> None:
        """`accessor` copied into `out` (count, width), for callers that keep the values.

        Nothing is allocated or charged: `out` is the caller's.
        """
        accessor, dtype, _ = self._layout(owner, key, type_, components)
        if out.dtype != dtype:
            raise ValueError(f"out is {out.dtype}, the accessor {dtype}")
        self._fill(out, accessor, owner, key)

    def count(self, owner: Fields, key: str) -> int:
        """The number of elements that the accessor declares."""
        return self.one("accessors", owner, key).integer("count", 1, _MAX_COUNT)

    def bytes_of(self, owner: Fields, key: str) -> memoryview:
        """The bytes of the buffer view that field `key` of `owner` points at."""
        _, start, length = self._view(owner, key)
        return self._binary[start : start + length]

    def _layout(
        self, owner: Fields, key: str, type_: str, components: tuple[int, ...]
    ) -> tuple[Fields, np.dtype[Any], int]:
        """(accessor, dtype, width), checked against what is expected."""
        accessor = self.one("accessors", owner, key)
        if accessor.text("type") != type_:
            raise InputError(
                f"{accessor.where}: field 'type' is {accessor.text('type')!r}, "
                f"expected {type_!r} ({owner.where}: {key})"
            )
        component = accessor.integer("componentType")
        if component not in components:
            raise InputError(
                f"{accessor.where}: field 'componentType' is {component}, expected one of "
                f"{', '.join(map(str, components))} ({owner.where}: {key})"
            )
        if accessor.values.get("normalized", False) is not False:
            raise InputError(f"{accessor.where}: field 'normalized' is set, expected plain values")
        return accessor, COMPONENT_TYPES[component], TYPE_WIDTHS[type_]

    def _check_base(self, accessor: Fields) -> None:
        if "bufferView" not in accessor and "sparse" not in accessor:
            raise InputError(f"{accessor.where}: has neither 'bufferView' nor 'sparse'")

    def _base(self, accessor: Fields, count: int, dtype: np.dtype[Any], width: int) -> NDArray[Any]:
        """The values below a sparse accessor's, as a view; zeros take no memory either."""
        self._check_base(accessor)
        if "bufferView" in accessor:
            return self._dense(accessor, count, dtype, width)
        return np.broadcast_to(np.zeros((), dtype), (count, width))

    def _fill(self, out: NDArray[Any], accessor: Fields, owner: Fields, key: str) -> None:
        """Write the accessor's values into `out`, whose length must be their count."""
        rows, width = out.shape
        count = accessor.integer("count", 1, _MAX_COUNT)
        if count != rows:
            raise InputError(
                f"{owner.where}: {key} has {count} elements, expected {rows} like its siblings"
            )
        out[:] = self._base(accessor, count, out.dtype, width)
        if "sparse" in accessor:
            index, values = self._sparse(accessor.object("sparse"), out)
            out[index] = values
        _check_finite(out, accessor, owner, key)

    def _view(self, owner: Fields, key: str) -> tuple[Fields, int, int]:
        view = self.one("bufferViews", owner, key)
        buffer = self.one("buffers", view, "buffer")
        if view.integer("buffer") != 0 or "uri" in buffer:
            raise InputError(
                f"{view.where}: field 'buffer' points outside this file; "
                "a character keeps everything in the embedded buffer"
            )
        held = buffer.integer("byteLength", 1)
        if held > len(self._binary):
            raise InputError(
                f"{buffer.where}: field 'byteLength' is {held}, "
                f"but the BIN chunk has {len(self._binary)} bytes"
            )
        start = view.integer("byteOffset") if "byteOffset" in view else 0
        length = view.integer("byteLength", 1)
        if start + length > held:
            raise InputError(
                f"{view.where}: bytes {start} to {start + length} lie outside "
                f"the buffer of {held} bytes"
            )
        return view, start, length

    def _dense(
        self, owner: Fields, count: int, dtype: np.dtype[Any], width: int, strided: bool = True
    ) -> NDArray[Any]:
        """(count, width) array from the buffer view that `owner` points at; read-only."""
        view, start, length = self._view(owner, "bufferView")
        offset = owner.integer("byteOffset") if "byteOffset" in owner else 0
        row = width * dtype.itemsize
        stride = view.integer("byteStride", 4, 252) if strided and "byteStride" in view else row
        if stride < row:
            raise InputError(
                f"{view.where}: field 'byteStride' is {stride}, expected at least {row}"
            )
        if (start + offset) % dtype.itemsize or stride % dtype.itemsize:
            raise InputError(f"{owner.where}: is not aligned to its {dtype.itemsize}-byte values")
        if offset + stride * (count - 1) + row > length:
            raise InputError(
                f"{owner.where}: {count} elements of {row} bytes from byte {offset} lie outside "
                f"the buffer view of {length} bytes"
            )
        return np.ndarray(
            (count, width), dtype, self._binary, start + offset, (stride, dtype.itemsize)
        )

    def _sparse(self, sparse: Fields, base: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """(indices, values) that replace rows of `base`, as views of the file's bytes."""
        rows = len(base)
        count = sparse.integer("count", 1, rows)
        where = sparse.object("indices")
        component = where.integer("componentType")
        if component not in (5121, 5123, 5125):
            raise InputError(
                f"{where.where}: field 'componentType' is {component}, expected 5121, 5123 or 5125"
            )
        index = self._dense(where, count, COMPONENT_TYPES[component], 1, strided=False)[:, 0]
        if int(index[-1]) >= rows or (index[1:] <= index[:-1]).any():
            raise InputError(f"{where.where}: expected strictly increasing indices below {rows}")
        values = self._dense(sparse.object("values"), count, base.dtype, base.shape[1],
                             strided=False)  # fmt: skip
        return index, values


def _check_finite(array: NDArray[Any], accessor: Fields, owner: Fields, key: str) -> None:
    if array.dtype.kind != "f":
        return
    for start in range(0, len(array), _BLOCK):
        if not np.isfinite(array[start : start + _BLOCK]).all():
            raise InputError(f"{accessor.where}: holds NaN or infinity ({owner.where}: {key})")


def _chunks(data: memoryview, where: str) -> tuple[memoryview, memoryview]:
    """(JSON chunk, BIN chunk) of a GLB, as views; the latter is empty when absent."""
    if len(data) < _HEADER.size + _CHUNK.size:
        raise InputError(f"{where}: has {len(data)} bytes, too few for a GLB")
    magic, version, length = _HEADER.unpack_from(data)
    if magic != b"glTF":
        raise InputError(f"{where}: begins with {magic!r}, expected b'glTF'")
    if version != 2:
        raise InputError(f"{where}: is GLB version {version}, expected 2")
    if length != len(data):
        raise InputError(f"{where}: header says {length} bytes, the file has {len(data)}")
    # The format lets readers skip chunks of kinds unknown to them, after the first two.
    found: list[tuple[bytes, memoryview]] = []
    offset, number = _HEADER.size, 0
    while offset < length:
        if offset + _CHUNK.size > length:
            raise InputError(f"{where}: chunk {number} is cut off")
        size, kind = _CHUNK.unpack_from(data, offset)
        offset += _CHUNK.size
        if size % 4 or offset + size > length:
            raise InputError(f"{where}: chunk {number} of {size} bytes does not fit the file")
        if number < 2:
            found.append((kind, data[offset : offset + size]))
        offset += size
        number += 1
    if found[0][0] != b"JSON":
        raise InputError(f"{where}: first chunk is {found[0][0]!r}, expected b'JSON'")
    binary = found[1][1] if len(found) > 1 and found[1][0] == b"BIN\0" else memoryview(b"")
    return found[0][1], binary
