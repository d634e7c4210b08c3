"""GLBs made to break a reader: each damage is refused with InputError that names the place."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.damaged_glbs import (
    HUGE,
    SOUND,
    Document,
    accessor,
    accessor_of,
    broken_texture,
    changed,
    drop,
    far_index,
    huge_texture,
    nan_vertex,
    parts,
    put,
    sparse,
    two_keys_at_once,
    unsorted_sparse,
)

from mien.errors import InputError, MienError
from mien.glb import read_rig, read_weights_animation
from mien_exporters.gltf_buffers import glb_bytes

PRIMITIVE = ("meshes", 0, "primitives", 0)
RIGS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "has 0 bytes"),
    "another format": (lambda: b"{" * 40, "begins with b'{{{{', expected b'glTF'"),
    "GLB 1": (lambda: SOUND[:4] + b"\1\0\0\0" + SOUND[8:], "GLB version 1, expected 2"),
    "cut off": (lambda: SOUND[:-4], "header says .* bytes, the file has"),
    "chunk beyond the file": (
        lambda: SOUND[:12] + struct.pack("<I", 0x7FFFFFF0) + SOUND[16:],
        "chunk 0 of 2147483632 bytes does not fit",
    ),
    "BIN first": (lambda: SOUND[:16] + b"BIN\0" + SOUND[20:], r"first chunk is b'BIN\\x00'"),
    "JSON broken": (lambda: glb_bytes("{", b""), "JSON chunk: not valid JSON"),
    "JSON with NaN": (lambda: glb_bytes('{"asset": NaN}', b""), "NaN is not a number"),
    "no asset": (drop("asset"), "field 'asset' is missing"),
    "glTF 3": (put("asset", "version", to="3.0"), "field 'version' is '3.0', expected '2.0'"),
    "needs Draco": (
        put("extensionsRequired", to=["KHR_draco_mesh_compression"]),
        "asks for KHR_draco_mesh_compression",
    ),
    "no mesh": (drop("meshes"), "has 1 mesh nodes and 0 meshes"),
    "no node": (drop("nodes"), "has 0 mesh nodes"),
    "scaled mesh node": (put("nodes", 5, "scale", to=[2, 2, 2]), r"nodes\[5\]: field 'scale'"),
    "no primitives": (put("meshes", 0, "primitives", to=[]), "field 'primitives' is empty"),
    "accessor out of range": (
        put(*PRIMITIVE, "indices", to=9999),
        r"primitives\[0\]: field 'indices' is 9999, but the file has \d+ accessors",
    ),
    "accessor negative": (put(*PRIMITIVE, "indices", to=-1), "field 'indices' is -1"),
    "accessor is a string": (put(*PRIMITIVE, "indices", to="0"), "field 'indices' is '0'"),
    "lines": (put(*PRIMITIVE, "mode", to=1), r"field 'mode' is 1, expected 4 \(triangles\)"),
    "own vertices": (
        put("meshes", 0, "primitives", 1, "attributes", "POSITION", to=2),
        r"primitives\[1\]: has vertex data of its own",
    ),
    "fewer targets on one primitive": (
        drop("meshes", 0, "primitives", 1, "targets", 0),
        r"primitives\[1\]: has vertex data of its own",
    ),
    "target without normals": (
        lambda: changed(
            lambda d, _: [p["targets"][0].pop("NORMAL") for p in d["meshes"][0]["primitives"]]
        ),
        r"targets\[0\]: field 'NORMAL' is missing",
    ),
    "no names": (drop("meshes", 0, "extras"), "field 'extras' is missing"),
    "too few names": (
        put("meshes", 0, "extras", "targetNames", to=["jawOpen"]),
        "has 1 names for 3 targets",
    ),
    "name twice": (
        put("meshes", 0, "extras", "targetNames", to=["a", "b", "a"]),
        "holds 'a' twice",
    ),
    "names are numbers": (
        put("meshes", 0, "extras", "targetNames", to=[1, 2, 3]),
        r"field 'targetNames\[0\]' is 1",
    ),
    "wrong accessor type": (
        accessor("NORMAL", "type", "VEC2"),
        r"field 'type' is 'VEC2', expected 'VEC3' .*NORMAL",
    ),
    "wrong component type": (
        accessor("NORMAL", "componentType", 5122),
        "field 'componentType' is 5122, expected one of 5126",
    ),
    "component type unknown": (
        accessor("NORMAL", "componentType", 7),
        "field 'componentType' is 7",
    ),
    "normalised joints": (accessor("JOINTS_0", "normalized", True), "field 'normalized' is set"),
    "count zero": (accessor("POSITION", "count", 0), "field 'count' is 0"),
    "count too large": (
        accessor("POSITION", "count", HUGE),
        r"^character\.glb: meshes\[0\]: 2147483647 vertices: needs 111669149644 bytes",
    ),
    "counts differ": (accessor("NORMAL", "count", 220), "NORMAL has 220 elements, expected 221"),
    "offset outside": (
        accessor("POSITION", "byteOffset", 4096),
        "from byte 4096 lie outside the buffer view",
    ),
    "offset unaligned": (accessor("POSITION", "byteOffset", 2), "is not aligned to its 4-byte"),
    "view outside": (
        put("bufferViews", 0, "byteOffset", to=HUGE),
        r"bufferViews\[0\]: bytes 2147483647 to .* lie outside the buffer",
    ),
    "view negative": (put("bufferViews", 0, "byteOffset", to=-4), "field 'byteOffset' is -4"),
    "stride too small": (
        put("bufferViews", 3, "byteStride", to=4),
        "field 'byteStride' is 4, expected at least",
    ),
    "buffer larger than the chunk": (
        put("buffers", 0, "byteLength", to=HUGE),
        "but the BIN chunk has",
    ),
    "buffer elsewhere": (
        put("buffers", 0, "uri", to="file:///etc/passwd"),
        "points outside this file",
    ),
    "neither view nor sparse": (
        lambda: changed(lambda d, _: accessor_of(d, "POSITION").pop("bufferView")),
        "has neither 'bufferView' nor 'sparse'",
    ),
    "gigabytes of zeros": (
        sparse(lambda a: (a.pop("bufferView"), a.update(count=HUGE))),
        "POSITION has 2147483647 elements, expected 221",
    ),
    "sparse count zero": (sparse(lambda a: a["sparse"].update(count=0)), "field 'count' is 0"),
    "sparse count too large": (
        sparse(lambda a: a["sparse"].update(count=a["count"] + 1)),
        r"sparse: field 'count' is 222",
    ),
    "sparse indices of floats": (
        sparse(lambda a: a["sparse"]["indices"].update(componentType=5126)),
        "field 'componentType' is 5126, expected 5121, 5123 or 5125",
    ),
    "sparse indices unsorted": (unsorted_sparse, "strictly increasing indices below 221"),
    "NaN among the vertices": (nan_vertex, "holds NaN or infinity .*POSITION"),
    "index beyond the vertices": (far_index, "indices reach 60000, but there are 221 vertices"),
    "indices not by three": (
        lambda: changed(
            lambda d, _: d["accessors"][d["meshes"][0]["primitives"][0]["indices"]].update(count=4)
        ),
        "has 4 indices, not a multiple of 3",
    ),
    "material out of range": (put(*PRIMITIVE, "material", to=7), "field 'material' is 7"),
    "no skin": (drop("nodes", 5, "skin"), "field 'skin' is missing"),
    "joints twice": (put("skins", 0, "joints", to=[0, 0, 1, 2, 3]), "lists a node twice"),
    "joint no node": (put("skins", 0, "joints", 4, to=88), "does not list nodes of this file"),
    "fewer joints": (put("skins", 0, "joints", to=[0, 1]), "5 inverse bind matrices for 2 joints"),
    "child before parent": (
        put("skins", 0, "joints", to=[1, 0, 2, 3, 4]),
        "joint 0 comes before its parent",
    ),
    "roughness of 9": (
        put("materials", 0, "pbrMetallicRoughness", "roughnessFactor", to=9),
        "field 'roughnessFactor' is 9, expected a number from 0 to 1",
    ),
    "colour of two": (
        put("materials", 0, "pbrMetallicRoughness", "baseColorFactor", to=[1, 1]),
        "has 2 items, expected 4 numbers",
    ),
    "texture is no image": (broken_texture(b"GIF89a" + bytes(20)), "not a readable PNG or JPEG"),
    "texture damaged": (broken_texture(b"\x89PNG\r\n\x1a\n" + bytes(30)), "not a readable PNG or"),
    "texture of 900 megapixels": (
        huge_texture,
        "not a readable PNG or JPEG: .* decompression bomb",
    ),
}

ANIMATIONS: dict[str, tuple[Callable[[], bytes], str]] = {
    "none": (drop("animations"), "expected exactly one animation, the file has: none"),
    "no weights": (
        put("animations", 0, "channels", 0, "target", "path", to="scale"),
        "has 0 weights channels on the mesh",
    ),
    "another node": (
        put("animations", 0, "channels", 0, "target", "node", to=0),
        "has 0 weights channels on the mesh",
    ),
    "cubic": (
        put("animations", 0, "samplers", 0, "interpolation", to="CUBICSPLINE"),
        "'CUBICSPLINE', expected 'LINEAR'",
    ),
    "sampler out of range": (
        put("animations", 0, "channels", 0, "sampler", to=5),
        "field 'sampler' is 5",
    ),
    "too few values": (
        lambda: changed(
            lambda d, _: d["accessors"][
                d["animations"][0]["samplers"][0]["output"]
            ].update(count=11)
        ),
        "output has 11 values, expected 4 keys x 3 targets",
    ),
    "no samplers": (put("animations", 0, "samplers", to=[]), "field 'samplers' is empty"),
    "times stand still": (two_keys_at_once, "input times do not increase"),
}  # fmt: skip


@pytest.mark.parametrize("damage", RIGS)
def test_rig_refused(damage: str) -> None:
    make, message = RIGS[damage]
    with pytest.raises(InputError, match=message):
        read_rig(make())


@pytest.mark.parametrize("damage", ANIMATIONS)
def test_animation_refused(damage: str) -> None:
    make, message = ANIMATIONS[damage]
    with pytest.raises(InputError, match=message):
        read_weights_animation(make())


def test_the_undamaged_file_is_read() -> None:
    assert read_rig(SOUND).shape_names == ("jawOpen", "mouthSmileLeft", "browInnerUp")
    assert len(read_weights_animation(SOUND)) == 4


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_damage_never_escapes_as_another_error(data: st.DataObject) -> None:
    raw = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    for read in (read_rig, read_weights_animation):
        try:
            read(bytes(raw))
        except MienError:
            pass  # a refusal is as good as a rig


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_json_values_never_escape_as_another_error(data: st.DataObject) -> None:
    document, binary = parts()
    place: Any = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.integers(0, 4)) == 0:
            break
        place = inner
    place[key] = data.draw(
        st.sampled_from([None, True, -1, 0, 1, 3, 255, HUGE, 2**60, 0.5, "", "x", [], [0], {}])
    )
    try:
        read_rig(glb_bytes(json.dumps(document), bytes(binary)))
    except MienError:
        pass


def shared_target(vertices: int, targets: int) -> bytes:
    """A GLB of a few kilobytes: every vertex array is zeros without a base, shared by all."""
    view = {"buffer": 0, "byteLength": 16}
    document: Document = {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": 64}],
        "bufferViews": [view | {"byteOffset": 16 * i} for i in range(4)],
        "nodes": [{"mesh": 0, "skin": 0}],
        "materials": [{}],
    }
    sparse = {"count": 1, "indices": {"bufferView": 0, "componentType": 5125}}
    sparse["values"] = {"bufferView": 1}
    document["accessors"] = [
        {"count": vertices, "type": kind, "componentType": component, "sparse": sparse}
        for kind, component in (
            ("VEC3", 5126), ("VEC2", 5126), ("VEC4", 5121), ("VEC4", 5126)
        )
    ] + [{"count": 3, "type": "SCALAR", "componentType": 5123, "bufferView": 2}]  # fmt: skip
    attributes = {"POSITION": 0, "NORMAL": 0, "TEXCOORD_0": 1, "JOINTS_0": 2, "WEIGHTS_0": 3}
    primitive = {"attributes": attributes, "indices": 4, "material": 0}
    primitive["targets"] = [{"POSITION": 0, "NORMAL": 0}] * targets
    names = [f"s{i}" for i in range(targets)]
    document["meshes"] = [{"primitives": [primitive], "extras": {"targetNames": names}}]
    return glb_bytes(json.dumps(document), bytes(64))


@pytest.mark.parametrize(("vertices", "targets"), [(5_000_000, 6), (900_000, 6), (300_000, 255)])
def test_the_sum_over_all_targets_is_limited(vertices: int, targets: int) -> None:
    """One accessor is small enough, all of them together are not: no target is decoded."""
    data = shared_target(vertices, targets)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"(targets|vertices): needs \d+ bytes, .* at most"):
            read_rig(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < (64 << 20) + len(data)


def test_empty_chunks_cost_nothing() -> None:
    length = struct.unpack_from("<I", SOUND, 8)[0]
    empty = struct.pack("<I4s", 0, b"XXXX") * 20_000
    data = SOUND[:8] + struct.pack("<I", length + len(empty)) + SOUND[12:] + empty
    tracemalloc.start()
    try:
        read_rig(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
