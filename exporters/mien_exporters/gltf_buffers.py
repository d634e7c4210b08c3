"""numpy arrays -> the accessors, buffer views and the one binary blob of a glTF document."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pygltflib as gltf
from numpy.typing import NDArray

__all__ = ["BufferBuilder", "glb_bytes", "split_glb"]

_COMPONENTS = {"|u1": 5121, "<u2": 5123, "<u4": 5125, "<f4": 5126}
_TYPES = {(): "SCALAR", (2,): "VEC2", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
_VERTEX_DATA, _INDEX_DATA = 34962, 34963

SPARSE_GAIN = 0.9
"""A target is stored sparse if that takes at most this share of its size stored whole."""


class BufferBuilder:
    """Collects arrays into one buffer, in call order, each aligned to 4 bytes.

    `binary` is what the document's buffer holds already.
    """

    def __init__(self, document: gltf.GLTF2, binary: bytes = b"") -> None:
        self._document = document
        self._blob = bytearray(binary)
        self._zeros: dict[int, int] = {}

    def view(self, data: bytes, *, target: int | None = None, stride: int | None = None) -> int:
        """A buffer view over `data`; its index."""
        self._blob += bytes(-len(self._blob) % 4)
        self._document.bufferViews.append(
            gltf.BufferView(
                buffer=0,
                byteOffset=len(self._blob),
                byteLength=len(data),
                byteStride=stride,
                target=target,
            )
        )
        self._blob += data
        return len(self._document.bufferViews) - 1

    def vertices(self, array: NDArray[Any], *, bounds: bool = False) -> int:
        """An accessor for one vertex attribute (V, width); its index."""
        view = self.view(array.tobytes(), target=_VERTEX_DATA)
        return self._accessor(array, view, bounds=bounds)

    def indices(self, array: NDArray[Any]) -> int:
        """An accessor for triangle indices (N,); its index."""
        return self._accessor(array, self.view(array.tobytes(), target=_INDEX_DATA))

    def values(self, array: NDArray[Any], *, bounds: bool = False) -> int:
        """An accessor for data that is no vertex data (matrices, animation); its index."""
        return self._accessor(array, self.view(array.tobytes()), bounds=bounds)

    def deltas(self, array: NDArray[np.float32], *, bounds: bool) -> int:
        """An accessor for morph target deltas (V, 3), sparse where that pays; its index.

        Sparse deltas stand on an explicit, shared view of zeros. glTF allows to leave the base
        out, but Godot 3 then adds the base mesh, and SharpGLTF refuses the file.
        """
        # Compared as bits: -0.0 counts as moved, so that reading gives back the same bits.
        moved = np.flatnonzero(array.view(np.uint32).any(axis=1))
        if len(moved) == 0:
            return self._accessor(array, self._zero_view(len(array)), bounds=bounds)
        index = moved.astype(np.uint16 if len(array) <= 65535 else np.uint32)
        if index.nbytes + 12 * len(moved) > SPARSE_GAIN * array.nbytes:
            return self.vertices(array, bounds=bounds)
        sparse = gltf.Sparse(
            count=len(moved),
            indices=gltf.AccessorSparseIndices(
                bufferView=self.view(index.tobytes()),
                componentType=_COMPONENTS[index.dtype.str],
            ),
            values=gltf.AccessorSparseValues(bufferView=self.view(array[moved].tobytes())),
        )
        accessor = self._accessor(array, self._zero_view(len(array)), bounds=bounds)
        self._document.accessors[accessor].sparse = sparse
        return accessor

    def finish(self) -> bytes:
        """Close the buffer: the document's one buffer entry, and its bytes."""
        self._blob += bytes(-len(self._blob) % 4)
        self._document.buffers = [gltf.Buffer(byteLength=len(self._blob))]
        return bytes(self._blob)

    def _zero_view(self, count: int) -> int:
        if count not in self._zeros:
            # Several accessors share it, so glTF wants the stride spelt out.
            self._zeros[count] = self.view(bytes(12 * count), target=_VERTEX_DATA, stride=12)
        return self._zeros[count]

    def _accessor(self, array: NDArray[Any], view: int, *, bounds: bool = False) -> int:
        flat = array.reshape(len(array), -1)
        self._document.accessors.append(
            gltf.Accessor(
                bufferView=view,
                componentType=_COMPONENTS[array.dtype.str],
                count=len(array),
                type=_TYPES[array.shape[1:]],
                min=[float(value) for value in flat.min(axis=0)] if bounds else None,
                max=[float(value) for value in flat.max(axis=0)] if bounds else None,
            )
        )
        return len(self._document.accessors) - 1


def glb_bytes(json_text: str, binary: bytes) -> bytes:
    """The GLB container: header, JSON chunk padded with spaces, BIN chunk padded with zeros."""
    text = json_text.encode("utf-8")
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def split_glb(glb: bytes) -> tuple[str, bytes]:
    """(JSON, BIN) of what `glb_bytes` made."""
    (size,) = struct.unpack_from("<I", glb, 12)
    return glb[20 : 20 + size].decode(), glb[20 + size + 8 :]
