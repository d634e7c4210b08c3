"""A glTF file of any origin as plain arrays: buffers found, compression and quantisation undone."""

from __future__ import annotations

import base64
import binascii
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, MissingExtraError
from mien.glb_document import COMPONENT_TYPES, TYPE_WIDTHS
from mien.strict_json import Fields, parse_strict
from mien_training.templates.gltf.reading.draco_header import draco_size
from mien_training.templates.gltf.reading.meshopt import decode_view

__all__ = ["GLTF_SUFFIXES", "GltfFile"]

GLTF_SUFFIXES = (".glb", ".gltf", ".vrm")
"""A VRM avatar is a GLB with extensions."""

MESHOPT, DRACO = "EXT_meshopt_compression", "KHR_draco_mesh_compression"
_READ = (MESHOPT, DRACO, "KHR_mesh_quantization")
_NOT_GEOMETRY = ("KHR_texture_", "EXT_texture_", "KHR_materials_", "KHR_lights_", "KHR_animation_",
                 "KHR_node_", "KHR_xmp")  # fmt: skip
"""Beginnings of extensions that leave vertices and shapes alone; of images none is read."""
_EXPANSION = 64
"""Decoded bytes per byte of the file, of the buffers beside it and of a first MiB, in total: no
real head needs more."""
_DRACO_VERTEX, _DRACO_TRIANGLE = 64, 36
"""Bytes of memory that a vertex with its attributes, and a triangle with its place in Draco's
corner table, take about."""
_MAX_COUNT = 2**31 - 1


class GltfFile:
    """A .glb, or a .gltf with its buffers, whose accessors come out as plain arrays.

    Understands EXT_meshopt_compression, KHR_draco_mesh_compression (with DracoPy) and
    KHR_mesh_quantization; extensions about textures (KHR_texture_basisu, EXT_texture_webp) and
    materials are let pass, because a template's colours are painted. Raises InputError for
    anything that the file claims and does not hold, and for other required extensions.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, path.name
        try:
            data = path.read_bytes()
        except OSError as reason:
            raise InputError(f"{path}: not a readable glTF file ({reason})") from None
        text, self._embedded = _chunks(data, str(path))
        self.json = Fields(parse_strict(text, str(path), InputError), self.where, InputError)
        self._lists: dict[str, list[Fields]] = {}
        self._budget = _EXPANSION * (len(data) + self._bytes_beside() + 2**20)
        self._buffers: dict[int, bytes] = {}
        self._views: dict[int, bytes] = {}
        required = "extensionsRequired"
        needed = self.json.items(required) if required in self.json else []
        foreign = [str(e) for e in needed if e not in _READ]
        foreign = [e for e in foreign if not e.startswith(_NOT_GEOMETRY)]
        if foreign:
            raise InputError(
                f"{path}: needs glTF's {', '.join(foreign)}, which this does not read; the command "
                f"that writes it without: npx gltfpack -noq -kn -km -i {path.name} -o plain.glb"
            )

    def content(self) -> bytes:
        """Everything that the arrays come from: the file and the buffers beside it."""
        buffers = [self._buffer(b, i) for i, b in enumerate(self.all("buffers")) if "uri" in b]
        return b"".join([self.path.read_bytes(), *buffers])

    def all(self, kind: str) -> list[Fields]:
        """The top-level list `kind` ("meshes", "nodes", ...); empty when it is absent."""
        if kind not in self._lists:
            self._lists[kind] = self.json.objects(kind) if kind in self.json else []
        return self._lists[kind]

    def one(self, kind: str, owner: Fields, key: str) -> Fields:
        """The object of list `kind` that field `key` of `owner` points at."""
        choices, index = self.all(kind), owner.integer(key)
        if index >= len(choices):
            raise InputError(
                f"{owner.where}: field {key!r} is {index}, but the file has {len(choices)} {kind}"
            )
        return choices[index]

    def numbers(self, owner: Fields, key: str, type_: str) -> NDArray[np.float64]:
        """(count, width) real numbers of an accessor: floats, or integers made real.

        Normalised integers become -1..1 or 0..1, others keep their value (KHR_mesh_quantization).
        """
        accessor = self.one("accessors", owner, key)
        array = self._array(accessor, type_)
        if accessor.values.get("normalized", False) is True and array.dtype.kind in "iu":
            return np.maximum(array / np.float64(np.iinfo(array.dtype).max), -1.0)
        if not np.isfinite(array).all():
            raise InputError(f"{accessor.where}: holds NaN or infinity ({owner.where}: {key})")
        return array.astype(np.float64)

    def indices(self, owner: Fields, key: str) -> NDArray[np.int64]:
        """(count,) of a SCALAR accessor of unsigned integers."""
        accessor = self.one("accessors", owner, key)
        array = self._array(accessor, "SCALAR")
        if array.dtype.kind != "u":
            raise InputError(f"{accessor.where}: expected unsigned integers ({owner.where}: {key})")
        return array[:, 0].astype(np.int64)

    def draco(self, extension: Fields) -> Any:
        """The DracoPy mesh of a primitive's KHR_draco_mesh_compression."""
        try:
            import DracoPy
        except ImportError:
            raise MissingExtraError(
                f"{self.path}: is compressed with Draco, which DracoPy reads: "
                "pip install 'mien[train]'"
            ) from None
        data = self.view(extension, "bufferView")
        vertices, triangles = draco_size(data, extension.where)
        self.spend(extension, vertices * _DRACO_VERTEX + triangles * _DRACO_TRIANGLE)
        try:
            mesh = DracoPy.decode(data)
        except (RuntimeError, ValueError, TypeError, AttributeError) as reason:
            raise InputError(f"{extension.where}: a damaged Draco mesh ({reason})") from None
        except DracoPy.FileTypeException as reason:
            raise InputError(f"{extension.where}: no Draco mesh ({reason})") from None
        return mesh

    def view(self, owner: Fields, key: str) -> bytes:
        """The bytes of a buffer view, uncompressed."""
        view, index = self.one("bufferViews", owner, key), owner.integer(key)
        if index in self._views:
            return self._views[index]
        extensions = view.values.get("extensions")
        packed = extensions.get(MESHOPT) if isinstance(extensions, dict) else None
        if packed is None:
            self._views[index] = self._slice(view)
            return self._views[index]
        fields = Fields(packed, f"{view.where}: {MESHOPT}", InputError)
        count, stride = fields.integer("count", 1, _MAX_COUNT), fields.integer("byteStride", 2, 256)
        self.spend(fields, count * stride)
        mode, filter_ = (str(fields.values.get(k, "NONE")) for k in ("mode", "filter"))
        data = self._slice(fields)
        self._views[index] = decode_view(data, count, stride, mode, filter_, fields.where)
        return self._views[index]

    def spend(self, owner: Fields, n_bytes: int) -> None:
        """Counts memory that is about to be taken for `owner`; every reader of the file does.

        Raises InputError when it is more, in total, than the file's size allows.
        """
        self._budget -= n_bytes
        if self._budget < 0:
            raise InputError(f"{owner.where}: the file unpacks to more than {_EXPANSION} times it")

    def _array(self, accessor: Fields, type_: str) -> NDArray[Any]:
        """(count, width) in the file's component type; sparse accessors expanded."""
        if accessor.values.get("type") != type_:
            raise InputError(
                f"{accessor.where}: field 'type' is {accessor.values.get('type')!r}, "
                f"expected {type_!r}"
            )
        dtype = _component(accessor)
        count, width = accessor.integer("count", 1, _MAX_COUNT), TYPE_WIDTHS[type_]
        self.spend(accessor, count * width * 8)
        if "bufferView" in accessor:
            array = self._dense(accessor, count, dtype, width, accessor)
        else:
            array = np.zeros((count, width), dtype)
        if "sparse" not in accessor:
            return array
        sparse = accessor.object("sparse")
        few, at = sparse.integer("count", 1, count), sparse.object("indices")
        rows = self._dense(at, few, _component(at), 1, None)[:, 0].astype(np.int64)
        if rows.min() < 0 or rows.max() >= count:
            raise InputError(f"{at.where}: expected indices below {count}")
        array = array.copy()
        array[rows] = self._dense(sparse.object("values"), few, dtype, width, None)
        return array

    def _dense(
        self, owner: Fields, count: int, dtype: np.dtype[Any], width: int, strided: Fields | None
    ) -> NDArray[Any]:
        data = self.view(owner, "bufferView")
        view = self.one("bufferViews", owner, "bufferView")
        offset = owner.integer("byteOffset") if "byteOffset" in owner else 0
        row = width * dtype.itemsize
        stride = row
        if strided is not None and "byteStride" in view:
            stride = view.integer("byteStride", 1, 256)
        if stride < row or offset + stride * (count - 1) + row > len(data):
            raise InputError(
                f"{owner.where}: {count} elements of {row} bytes, {stride} apart, do not fit the "
                f"buffer view of {len(data)} bytes"
            )
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize))

    def _slice(self, owner: Fields) -> bytes:
        """The stretch of a buffer that a buffer view, or its compressed form, names."""
        index = owner.integer("buffer")
        buffer = self.one("buffers", owner, "buffer")
        if index not in self._buffers:
            self._buffers[index] = self._buffer(buffer, index)
        data = self._buffers[index]
        start = owner.integer("byteOffset") if "byteOffset" in owner else 0
        length = owner.integer("byteLength", 1)
        if start + length > len(data):
            raise InputError(
                f"{owner.where}: bytes {start} to {start + length} lie outside the buffer of "
                f"{len(data)} bytes"
            )
        return data[start : start + length]

    def _bytes_beside(self) -> int:
        """Size of the files that buffers name, each counted once; 0 for those that are not there.

        What a buffer's `byteLength` claims counts for nothing.
        """
        uris = {str(buffer.values.get("uri", "data:")) for buffer in self.all("buffers")}
        places = {self.path.parent / unquote(uri) for uri in uris if not uri.startswith("data:")}
        size = 0
        for place in places:
            try:
                size += place.stat().st_size
            except (OSError, ValueError):
                continue  # told when the buffer is read
        return size

    def _buffer(self, buffer: Fields, index: int) -> bytes:
        uri = buffer.values.get("uri")
        if uri is None:
            if index or self._embedded is None:
                raise InputError(f"{buffer.where}: has no 'uri' and no embedded bytes")
            return self._embedded
        if not isinstance(uri, str):
            raise InputError(f"{buffer.where}: field 'uri' is no string")
        try:
            if uri.startswith("data:"):
                return base64.b64decode(uri.partition(",")[2], validate=True)
            return (self.path.parent / unquote(uri)).read_bytes()
        except (OSError, ValueError, binascii.Error) as reason:
            raise InputError(f"{buffer.where}: cannot be read ({reason})") from None


def _component(owner: Fields) -> np.dtype[Any]:
    component = owner.integer("componentType")
    if component not in COMPONENT_TYPES:
        raise InputError(f"{owner.where}: field 'componentType' is {component}, which is unknown")
    return COMPONENT_TYPES[component]


def _chunks(data: bytes, where: str) -> tuple[bytes, bytes | None]:
    """The JSON text, and the embedded buffer of a .glb."""
    if data[:4] != b"glTF":
        return data, None
    try:
        _, version, length = struct.unpack_from("<4sII", data)
        size, kind = struct.unpack_from("<I4s", data, 12)
        text = data[20 : 20 + size]
        if version != 2 or length > len(data) or kind != b"JSON" or len(text) != size:
            raise ValueError(f"version {version}, {length} bytes claimed, {len(data)} there")
        if 20 + size + 8 > length:
            return text, None
        held, kind = struct.unpack_from("<I4s", data, 20 + size)
        embedded = data[28 + size : 28 + size + held]
        if kind != b"BIN\0" or len(embedded) != held:
            raise ValueError("its BIN chunk is cut off")
    except (struct.error, ValueError) as reason:
        raise InputError(f"{where}: a damaged GLB ({reason})") from None
    return text, embedded
