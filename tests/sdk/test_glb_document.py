"""GLB containers and accessors, read with plain numbers. Damages: tests/hostile."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import InputError
from mien.glb_document import GlbDocument
from mien_exporters.gltf_buffers import glb_bytes

FLOAT, SHORT, BYTE = 5126, 5123, 5121


def document(binary: bytes, accessor: dict[str, Any], *views: dict[str, Any]) -> GlbDocument:
    content = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [{"buffer": 0, **view} for view in views],
        "accessors": [accessor],
        "meshes": [{"a": 0}],
    }
    return GlbDocument(glb_bytes(json.dumps(content), binary), "t.glb")


def read(file: GlbDocument, type_: str, component: int) -> NDArray[Any]:
    return file.accessor(file.all("meshes")[0], "a", type_, (component,))


def test_plain_offset_and_scalar() -> None:
    binary = struct.pack("<5f", 9, 9, 1, 2, 3)
    accessor = {
        "bufferView": 0, "byteOffset": 4, "componentType": FLOAT, "count": 3, "type": "SCALAR",
    }  # fmt: skip
    file = document(binary, accessor, {"byteOffset": 4, "byteLength": 16})
    np.testing.assert_array_equal(read(file, "SCALAR", FLOAT), [1, 2, 3])


def test_interleaved() -> None:
    binary = struct.pack("<ffHHffHH", 1, 2, 7, 8, 3, 4, 9, 10)
    view = {"byteLength": 24, "byteStride": 12}
    floats = {"bufferView": 0, "componentType": FLOAT, "count": 2, "type": "VEC2"}
    shorts = {
        "bufferView": 0, "byteOffset": 8, "componentType": SHORT, "count": 2, "type": "VEC2",
    }  # fmt: skip
    np.testing.assert_array_equal(
        read(document(binary, floats, view), "VEC2", FLOAT), [[1, 2], [3, 4]]
    )
    np.testing.assert_array_equal(
        read(document(binary, shorts, view), "VEC2", SHORT), [[7, 8], [9, 10]]
    )


@pytest.mark.parametrize("base", [True, False])
def test_sparse_with_and_without_base(base: bool) -> None:
    binary = struct.pack("<4f2Hf4x", 5, 5, 5, 5, 1, 3, 7) + struct.pack("<2f", 8, 9)
    accessor: dict[str, Any] = {
        "componentType": FLOAT, "count": 4, "type": "SCALAR",
        "sparse": {"count": 2, "indices": {"bufferView": 1, "componentType": SHORT},
                   "values": {"bufferView": 2}},
    }  # fmt: skip
    if base:
        accessor["bufferView"] = 0
    views = (
        {"byteLength": 16},
        {"byteOffset": 16, "byteLength": 4},
        {"byteOffset": 28, "byteLength": 8},
    )
    rest = 5 if base else 0
    np.testing.assert_array_equal(
        read(document(binary, accessor, *views), "SCALAR", FLOAT), [rest, 8, rest, 9]
    )


def test_chunks_of_other_kinds_are_skipped() -> None:
    text = b'{"asset":{"version":"2.0"}} '
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s4x", 4, b"XYZ ")
    GlbDocument(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def test_the_last_byte_counts() -> None:
    accessor = {"bufferView": 0, "componentType": BYTE, "count": 9, "type": "SCALAR"}
    file = document(bytes(8), accessor, {"byteLength": 8})
    with pytest.raises(InputError, match="9 elements of 1 bytes from byte 0 lie outside"):
        read(file, "SCALAR", BYTE)
