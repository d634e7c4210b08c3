"""A plain GLB written again as today's tools pack it: quantised, meshopt, Draco, other textures."""

import json
import struct
from collections.abc import Callable

import numpy as np

__all__ = ["draco", "quantised", "read_glb", "with_meshopt", "write_glb"]

_TYPES = {5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read_glb(data: bytes) -> tuple[dict, bytearray]:
    size = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + size]), bytearray(data[28 + size :])


def write_glb(document: dict, binary: bytes) -> bytes:
    document["buffers"][0]["byteLength"] = len(binary)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary = bytes(binary) + bytes(-len(binary) % 4)
    whole = 28 + len(text) + len(binary)
    return (struct.pack("<4sIII4s", b"glTF", 2, whole, len(text), b"JSON") + text
            + struct.pack("<I4s", len(binary), b"BIN\0") + binary)  # fmt: skip


def array_of(document: dict, binary: bytes, index: int) -> np.ndarray:
    """Accessor `index`, sparse ones expanded."""
    accessor = document["accessors"][index]
    width, dtype = _WIDTHS[accessor["type"]], _TYPES[accessor["componentType"]]

    def dense(owner: dict, count: int, kind: str, columns: int) -> np.ndarray:
        view = document["bufferViews"][owner["bufferView"]]
        start = view.get("byteOffset", 0) + owner.get("byteOffset", 0)
        row = columns * np.dtype(kind).itemsize
        stride = view.get("byteStride", row)
        return np.ndarray((count, columns), kind, bytes(binary), start,
                          (stride, np.dtype(kind).itemsize))  # fmt: skip

    out = np.zeros((accessor["count"], width), dtype)
    if "bufferView" in accessor:
        out = dense(accessor, accessor["count"], dtype, width).copy()
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        kind = _TYPES[sparse["indices"]["componentType"]]
        rows = dense(sparse["indices"], sparse["count"], kind, 1)[:, 0]
        out[rows] = dense(sparse["values"], sparse["count"], dtype, width)
    return out


def put(document: dict, binary: bytearray, array: np.ndarray, type_: str, **extra) -> int:
    """A new accessor of that array, rows padded to 4 bytes; returns its number."""
    component = next(c for c, t in _TYPES.items() if np.dtype(t) == array.dtype)
    row = array.shape[1] * array.itemsize
    stride = row if type_ == "SCALAR" else row + -row % 4
    padded = np.zeros((len(array), stride), np.uint8)
    padded[:, :row] = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), row)
    binary += bytes(-len(binary) % 4)
    view = {"buffer": 0, "byteOffset": len(binary), "byteLength": padded.size}
    if type_ != "SCALAR":
        view["byteStride"] = stride
    binary += padded.tobytes()
    document["bufferViews"].append(view)
    document["accessors"].append(
        {"bufferView": len(document["bufferViews"]) - 1, "componentType": component,
         "count": len(array), "type": type_, **extra}
    )  # fmt: skip
    return len(document["accessors"]) - 1


def quantised(data: bytes) -> bytes:
    """Positions and targets as normalised int16 of the mesh's box, put back by its node."""
    document, binary = read_glb(data)
    for node in document["nodes"]:
        if "mesh" not in node:
            continue
        node.pop("skin", None)
        primitives = document["meshes"][node["mesh"]]["primitives"]
        points = [array_of(document, binary, p["attributes"]["POSITION"]) for p in primitives]
        size = float(max(np.abs(p).max() for p in points))
        node["scale"] = [size] * 3

        def small(values: np.ndarray, size: float = size) -> np.ndarray:
            return np.rint(values / size * 32767).astype("<i2")

        for primitive, places in zip(primitives, points, strict=True):
            at = primitive["attributes"]
            at["POSITION"] = put(document, binary, small(places), "VEC3", normalized=True)
            if "TEXCOORD_0" in at:
                uvs = array_of(document, binary, at["TEXCOORD_0"])
                packed = np.rint(uvs * 65535).astype("<u2")
                at["TEXCOORD_0"] = put(document, binary, packed, "VEC2", normalized=True)
            for target in primitive.get("targets", []):
                motion = array_of(document, binary, target["POSITION"])
                target["POSITION"] = put(document, binary, small(motion), "VEC3", normalized=True)
    document["extensionsRequired"] = ["KHR_mesh_quantization"]
    return write_glb(document, binary)


def _meshopt_attributes(table: np.ndarray) -> bytes:
    """The simplest stream there is: every delta as a whole byte."""
    count, stride = table.shape
    out, last = bytearray(b"\xa0"), table[0].copy()
    longest = min(8192 // stride & ~15, 256)
    for start in range(0, count, longest):
        block = table[start : start + longest]
        groups = -(-len(block) // 16)
        delta = np.diff(np.concatenate([last[None], block]), axis=0).astype(np.uint8)
        zigzag = np.where(delta & 128, ~(delta << 1), delta << 1).astype(np.uint8)
        full = np.zeros((groups * 16, stride), np.uint8)
        full[: len(block)] = zigzag
        for lane in full.T:
            out += b"\xff" * -(-groups // 4) + lane.tobytes()
        last = block[-1]
    return bytes(out) + bytes(max(32 - stride, 0)) + table[0].tobytes()


def with_meshopt(data: bytes) -> bytes:
    """Every buffer view of a row length that the extension takes is compressed."""
    document, binary = read_glb(data)
    packed = bytearray()
    document["buffers"].append({"byteLength": len(binary)})  # a fallback that is not there
    for view in document["bufferViews"]:
        start, length = view.get("byteOffset", 0), view["byteLength"]
        stride = view.get("byteStride", 4)
        raw = bytes(binary[start : start + length])
        packed += bytes(-len(packed) % 4)
        view["byteOffset"] = len(packed)
        if length % stride:
            packed += raw
            continue
        stream = _meshopt_attributes(np.frombuffer(raw, np.uint8).reshape(-1, stride))
        view["extensions"] = {
            "EXT_meshopt_compression": {
                "buffer": 0, "byteOffset": len(packed), "byteLength": len(stream),
                "byteStride": stride, "count": length // stride, "mode": "ATTRIBUTES",
            }
        }  # fmt: skip
        view |= {"buffer": 1, "byteOffset": 0}
        packed += stream
    document["extensionsRequired"] = [
        *document.get("extensionsRequired", []), "EXT_meshopt_compression",
    ]  # fmt: skip
    return write_glb(document, packed)


def draco(data: bytes, encode: Callable[..., bytes]) -> bytes:
    """Vertices, UVs and triangles by DracoPy's `encode`; targets stay as they are."""
    document, binary = read_glb(data)
    replaced = set()
    for mesh in document["meshes"]:
        for primitive in mesh["primitives"]:
            at = primitive["attributes"]
            points, uvs = (array_of(document, binary, at[k]) for k in ("POSITION", "TEXCOORD_0"))
            faces = array_of(document, binary, primitive["indices"]).reshape(-1, 3)
            stream = encode(
                points, faces.astype(np.uint32), quantization_bits=16, preserve_order=True,
                generic_attributes={7: uvs.astype(np.float32)},
            )  # fmt: skip
            binary += bytes(-len(binary) % 4)
            document["bufferViews"].append(
                {"buffer": 0, "byteOffset": len(binary), "byteLength": len(stream)}
            )
            binary += stream
            names = {"POSITION": 8, "TEXCOORD_0": 7}
            primitive["extensions"] = {
                "KHR_draco_mesh_compression": {
                    "bufferView": len(document["bufferViews"]) - 1, "attributes": names,
                }
            }  # fmt: skip
            replaced |= {at[key] for key in names}
    for index in replaced:
        document["accessors"][index].pop("bufferView", None)
    document["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    return write_glb(document, binary)
