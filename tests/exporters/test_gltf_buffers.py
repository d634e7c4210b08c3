"""Accessors and the GLB container: sparse where it pays, aligned, shared."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
from support.rigs import assert_same, json_of, sphere_rig

from mien.glb import read_rig
from mien_exporters.gltf import rig_to_glb
from mien_exporters.gltf_buffers import glb_bytes
from mien_exporters.gltf_mesh import canonical_rig


def test_sparse_only_where_it_pays_and_always_on_explicit_zeros() -> None:
    rig = sphere_rig()
    document = json_of(rig_to_glb(rig))
    targets = document["meshes"][0]["primitives"][0]["targets"]
    for k, target in enumerate(targets):
        accessor = document["accessors"][target["POSITION"]]
        share = rig.shape_deltas[k].any(axis=1).mean()
        assert ("sparse" in accessor) == (14 * share <= 0.9 * 12), rig.shape_names[k]
        view = document["bufferViews"][accessor["bufferView"]]
        if "sparse" in accessor:
            assert view["byteStride"] == 12
    sparse = [a for a in document["accessors"] if "sparse" in a]
    assert sparse and len({a["bufferView"] for a in sparse}) == 1  # one base for all


def test_every_view_is_aligned_and_inside() -> None:
    glb = rig_to_glb(sphere_rig())
    document = json_of(glb)
    (buffer,) = document["buffers"]
    for view in document["bufferViews"]:
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= buffer["byteLength"]


def test_chunks_are_padded_to_four_bytes() -> None:
    glb = glb_bytes('{"a":1}', b"12345")
    assert glb == (
        struct.pack("<4sII", b"glTF", 2, 44)
        + struct.pack("<I4s", 8, b"JSON") + b'{"a":1} '
        + struct.pack("<I4s", 8, b"BIN\0") + b"12345\0\0\0"
    )  # fmt: skip


def test_large_meshes_take_wide_indices() -> None:
    """Beyond 65535 vertices indices and sparse indices need 32 bits."""
    rig = sphere_rig(rows=258, columns=258)
    assert len(rig.vertices) > 65535
    glb = rig_to_glb(rig)
    document = json_of(glb)
    index = document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]
    assert index["componentType"] == 5125
    sparse = next(a["sparse"] for a in document["accessors"] if "sparse" in a)
    assert sparse["indices"]["componentType"] == 5125
    np.testing.assert_array_equal(read_rig(glb).shape_deltas, rig.shape_deltas)


def test_a_rig_without_shapes_is_a_plain_mesh() -> None:
    still = np.zeros((0, 221, 3), np.float32)
    rig = canonical_rig(replace(sphere_rig(), shape_names=(), shape_deltas=still))
    assert_same(read_rig(rig_to_glb(rig), rig.name), rig)
