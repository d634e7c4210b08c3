"""How large a Draco stream says its mesh is, before anything is unpacked.

Draco bitstream specification 2.2, the only version that KHR_draco_mesh_compression allows:
sections 3 (header), 4 (metadata), 6 (sequential connectivity), 7 (edgebreaker connectivity).
"""

from __future__ import annotations

import struct

from mien.errors import InputError

__all__ = ["draco_size"]

_HEADER = struct.Struct("<5s4BH")
_VERSION = (2, 2)
_TRIANGLE_MESH, _SEQUENTIAL, _EDGEBREAKER = 1, 0, 1
_HAS_METADATA = 0x8000
_VARINT_BYTES = 5


def draco_size(data: bytes, where: str) -> tuple[int, int]:
    """Vertices and triangles that the stream claims; `where` names it in messages.

    Raises InputError for what is no Draco triangle mesh of version 2.2, or ends in its header.
    """
    try:
        magic, major, minor, kind, method, flags = _HEADER.unpack_from(data)
        if magic != b"DRACO" or (major, minor) != _VERSION or kind != _TRIANGLE_MESH:
            raise ValueError(f"{magic!r} {major}.{minor}, type {kind}")
        at = _HEADER.size
        if flags & _HAS_METADATA:
            at = _past_metadata(data, at)
        if method == _SEQUENTIAL:
            triangles, at = _varint(data, at)
            vertices, _ = _varint(data, at)
        elif method == _EDGEBREAKER:
            vertices, at = _varint(data, at + 1)  # after the traversal's type
            triangles, _ = _varint(data, at)
        else:
            raise ValueError(f"encoding method {method}")
    except (struct.error, IndexError, ValueError) as reason:
        raise InputError(f"{where}: no Draco mesh of version 2.2 ({reason})") from None
    return vertices, triangles


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number, and where it ends."""
    value = 0
    for n in range(_VARINT_BYTES):
        byte = data[at + n]
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value, at + n + 1
    raise ValueError("a number of more than 32 bits")


def _past_metadata(data: bytes, at: int) -> int:
    """Where the metadata of the attributes and of the mesh ends."""
    attributes, at = _varint(data, at)
    for _ in range(attributes):
        _, at = _varint(data, at)  # the attribute's unique id
        at = _past_element(data, at)
    return _past_element(data, at)


def _past_element(data: bytes, at: int) -> int:
    """Where one metadata element ends; those nested in it follow it in depth-first order."""
    named, elements = False, 1
    while elements:
        if named:
            at += 1 + data[at]
        entries, at = _varint(data, at)
        for _ in range(entries):
            at += 1 + data[at]
            size, at = _varint(data, at)
            at += size
        nested, at = _varint(data, at)
        named, elements = True, elements - 1 + nested
    return at
