"""A GLB file taken apart: its JSON and the arrays behind its accessors, every bound checked."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")


class GlbDocument:
    """The JSON of a glTF 2.0 binary file and checked access to its one embedded buffer.

    `where` names the file in messages. Raises InputError for anything that the file claims and
    does not hold; an array is never handed out before its bytes are known to be there.
    """

    def __init__(self, data: bytes, where: str = "GLB") -> None:
        self.where = where
        self._lists: dict[str, list[Fields]] = {}
        json_chunk, self._binary = _chunks(data, where)
        self.json = Fields(parse_strict(json_chunk, f"{where}: JSON chunk", InputError), where,
                           InputError)  # fmt: skip
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
        """The array behind the accessor that field `key` of `owner` points at.

        Returns (count,) for SCALAR, (count, width) otherwise, in the file's component type, which
        must be one of `components`. Sparse accessors come back expanded.
        """
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
        count = accessor.integer("count", 1, _MAX_COUNT)
        dtype, width = COMPONENT_TYPES[component], TYPE_WIDTHS[type_]
        if "bufferView" in accessor:
            array = self._dense(accessor, count, dtype, width)
        elif "sparse" in accessor:
            self._affordable(accessor, count * width * dtype.itemsize)
            array = np.zeros((count, width), dtype)
        else:
            raise InputError(f"{accessor.where}: has neither 'bufferView' nor 'sparse'")
        if "sparse" in accessor:
            array = self._sparse(accessor.object("sparse"), array)
        if dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{accessor.where}: holds NaN or infinity ({owner.where}: {key})")
        return array[:, 0] if type_ == "SCALAR" else array

    def bytes_of(self, owner: Fields, key: str) -> bytes:
        """The bytes of the buffer view that field `key` of `owner` points at."""
        _, start, length = self._view(owner, key)
        return self._binary[start : start + length]

    def _affordable(self, accessor: Fields, n_bytes: int) -> None:
        # A sparse accessor without base costs its file 20 bytes and could claim gigabytes here.
        if n_bytes > 64 * (len(self._binary) + 2**20):
            raise InputError(f"{accessor.where}: field 'count' asks for {n_bytes} bytes of zeros")

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

    def _sparse(self, sparse: Fields, base: NDArray[Any]) -> NDArray[Any]:
        rows = len(base)
        count = sparse.integer("count", 1, rows)
        where = sparse.object("indices")
        component = where.integer("componentType")
        if component not in (5121, 5123, 5125):
            raise InputError(
                f"{where.where}: field 'componentType' is {component}, expected 5121, 5123 or 5125"
            )
        index = self._dense(where, count, COMPONENT_TYPES[component], 1, strided=False)[:, 0]
        index = index.astype(np.int64)
        if int(index[-1]) >= rows or (np.diff(index) <= 0).any():
            raise InputError(f"{where.where}: expected strictly increasing indices below {rows}")
        values = self._dense(sparse.object("values"), count, base.dtype, base.shape[1],
                             strided=False)  # fmt: skip
        array = base.copy()
        array[index] = values
        return array


def _chunks(data: bytes, where: str) -> tuple[bytes, bytes]:
    """(JSON chunk, BIN chunk) of a GLB; the latter is empty when absent."""
    if len(data) < _HEADER.size + _CHUNK.size:
        raise InputError(f"{where}: has {len(data)} bytes, too few for a GLB")
    magic, version, length = _HEADER.unpack_from(data)
    if magic != b"glTF":
        raise InputError(f"{where}: begins with {magic!r}, expected b'glTF'")
    if version != 2:
        raise InputError(f"{where}: is GLB version {version}, expected 2")
    if length != len(data):
        raise InputError(f"{where}: header says {length} bytes, the file has {len(data)}")
    chunks: list[tuple[bytes, bytes]] = []
    offset = _HEADER.size
    while offset < length:
        if offset + _CHUNK.size > length:
            raise InputError(f"{where}: chunk {len(chunks)} is cut off")
        size, kind = _CHUNK.unpack_from(data, offset)
        offset += _CHUNK.size
        if size % 4 or offset + size > length:
            raise InputError(f"{where}: chunk {len(chunks)} of {size} bytes does not fit the file")
        chunks.append((kind, data[offset : offset + size]))
        offset += size
    if chunks[0][0] != b"JSON":
        raise InputError(f"{where}: first chunk is {chunks[0][0]!r}, expected b'JSON'")
    # The format lets readers skip chunks of kinds unknown to them, after the first two.
    binary = chunks[1][1] if len(chunks) > 1 and chunks[1][0] == b"BIN\0" else b""
    return chunks[0][1], binary
