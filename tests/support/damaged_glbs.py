"""A sound GLB and ways to damage it; each gives the whole file."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from mien.clip import Clip
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes
from support.rigs import sphere_rig

CLIP = Clip(("jawOpen",), np.arange(4) / 30, np.array([[0], [1], [0.5], [0]], np.float32))
SOUND = rig_to_glb(sphere_rig(), {"take": CLIP})

Document = dict[str, Any]


def parts(glb: bytes = SOUND) -> tuple[Document, bytearray]:
    (length,) = struct.unpack_from("<I", glb, 12)
    return json.loads(glb[20 : 20 + length]), bytearray(glb[28 + length :])


def changed(change: Callable[[Document, bytearray], object]) -> bytes:
    document, binary = parts()
    change(document, binary)
    return glb_bytes(json.dumps(document), bytes(binary))


def at(document: Document, *path: str | int) -> Any:
    place: Any = document
    for key in path:
        place = place[key]
    return place


def put(*path: str | int, to: Any) -> Callable[[], bytes]:
    """A file with one JSON value replaced or added."""

    def change(document: Document, _: bytearray) -> None:
        at(document, *path[:-1])[path[-1]] = to

    return lambda: changed(change)


def drop(*path: str | int) -> Callable[[], bytes]:
    return lambda: changed(lambda document, _: at(document, *path[:-1]).pop(path[-1]))


def accessor_of(document: Document, name: str) -> Document:
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    found: Document = document["accessors"][attributes[name]]
    return found


def accessor(name: str, key: str, to: Any) -> Callable[[], bytes]:
    return lambda: changed(lambda document, _: accessor_of(document, name).update({key: to}))


def sparse(change: Callable[[Document], object]) -> Callable[[], bytes]:
    def apply(document: Document, _: bytearray) -> None:
        change(next(a for a in document["accessors"] if "sparse" in a))

    return lambda: changed(apply)


def nan_vertex() -> bytes:
    def change(document: Document, binary: bytearray) -> None:
        view = document["bufferViews"][accessor_of(document, "POSITION")["bufferView"]]
        binary[view["byteOffset"] : view["byteOffset"] + 4] = struct.pack("<f", float("nan"))

    return changed(change)


def far_index() -> bytes:
    def change(document: Document, binary: bytearray) -> None:
        index = document["meshes"][0]["primitives"][0]["indices"]
        view = document["bufferViews"][document["accessors"][index]["bufferView"]]
        binary[view["byteOffset"] : view["byteOffset"] + 2] = struct.pack("<H", 60000)

    return changed(change)


def unsorted_sparse() -> bytes:
    def change(document: Document, binary: bytearray) -> None:
        found = next(a for a in document["accessors"] if "sparse" in a)
        view = document["bufferViews"][found["sparse"]["indices"]["bufferView"]]
        binary[view["byteOffset"] : view["byteOffset"] + 2] = struct.pack("<H", 220)

    return changed(change)


def broken_texture(data: bytes) -> Callable[[], bytes]:
    def change(document: Document, binary: bytearray) -> None:
        view = document["bufferViews"][document["images"][0]["bufferView"]]
        binary[view["byteOffset"] : view["byteOffset"] + len(data)] = data

    return lambda: changed(change)


def huge_texture() -> bytes:
    """A PNG header that claims 30000 x 30000 pixels."""
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    head = bytearray(png.getvalue()[:33])
    head[16:24] = struct.pack(">II", 30000, 30000)
    head[29:33] = struct.pack(">I", zlib.crc32(head[12:29]))
    return broken_texture(bytes(head))()


def two_keys_at_once() -> bytes:
    def change(document: Document, binary: bytearray) -> None:
        sampler = document["animations"][0]["samplers"][0]
        view = document["bufferViews"][document["accessors"][sampler["input"]]["bufferView"]]
        binary[view["byteOffset"] + 4 : view["byteOffset"] + 8] = struct.pack("<f", 0)

    return changed(change)


HUGE = 2**31 - 1
