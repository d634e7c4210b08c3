"""Rig -> GLB -> Rig: bit for bit, the same bytes each time, and the rules engines need."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.rigs import sphere_rig

from mien.clip import Clip
from mien.deform import blend, vertex_normals
from mien.errors import ChannelError, InputError
from mien.glb import read_rig, read_weights_animation
from mien.rig import Material, Rig
from mien_exporters.gltf import normal_deltas, rig_to_glb
from mien_exporters.gltf_mesh import canonical_rig, check_shape_names, drop_still_shapes

ARRAYS = (
    "vertices", "normals", "uvs", "triangles", "triangle_material",
    "shape_deltas", "joint_indices", "joint_weights",
)  # fmt: skip


def json_of(glb: bytes) -> dict[str, Any]:
    (length,) = struct.unpack_from("<I", glb, 12)
    return dict(json.loads(glb[20 : 20 + length]))


def assert_same(a: Rig, b: Rig) -> None:
    for field in ARRAYS:
        x, y = getattr(a, field), getattr(b, field)
        assert x.dtype == y.dtype and x.shape == y.shape, field
        assert x.tobytes() == y.tobytes(), field
    assert a.shape_names == b.shape_names
    assert a.joints == b.joints
    for m, n in zip(a.materials, b.materials, strict=True):
        assert (m.name, m.color, m.roughness) == (n.name, n.color, n.roughness)
        assert (m.base_color is None) == (n.base_color is None)
        if m.base_color is not None and n.base_color is not None:
            np.testing.assert_array_equal(m.base_color, n.base_color)


def test_round_trip_is_bit_exact() -> None:
    rig = canonical_rig(sphere_rig())
    assert_same(read_rig(rig_to_glb(rig), rig.name), rig)


def test_canonical_form_is_reached_at_once_and_moves_nothing() -> None:
    rig = sphere_rig()
    once = canonical_rig(rig)
    assert_same(once, canonical_rig(once))
    assert_same(read_rig(rig_to_glb(rig), rig.name), once)
    np.testing.assert_array_equal(rig.vertices, once.vertices)
    order = np.argsort(rig.triangle_material, kind="stable")
    np.testing.assert_array_equal(rig.triangles[order], once.triangles)


def test_same_rig_same_bytes() -> None:
    clip = Clip(("jawOpen",), np.arange(3) / 30, np.array([[0], [1], [0.5]], np.float32))
    assert rig_to_glb(sphere_rig(), {"a": clip}) == rig_to_glb(sphere_rig(), {"a": clip})


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_moved_vertices_come_back_bit_exact(data: st.DataObject) -> None:
    """Sparse or dense, -0.0 or denormal: the reader gives back the writer's bits."""
    rig = canonical_rig(sphere_rig(rows=4, columns=5))
    count = len(rig.vertices)
    deltas = np.zeros((2, count, 3), np.float32)
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-1, max_value=1)
    for k in range(2):
        moved = data.draw(st.lists(st.integers(0, count - 1), min_size=1, unique=True))
        for row in moved:
            deltas[k, row] = data.draw(st.tuples(finite, finite, finite))
        deltas[k, moved[0], 1] = 0.25  # no target may stand still
    moved_rig = replace(rig, shape_names=("a", "b"), shape_deltas=deltas)
    assert_same(read_rig(rig_to_glb(moved_rig), rig.name), moved_rig)


def test_sparse_only_where_it_pays_and_always_on_explicit_zeros() -> None:
    rig = sphere_rig()
    document = json_of(rig_to_glb(rig))
    targets = document["meshes"][0]["primitives"][0]["targets"]
    for k, target in enumerate(targets):
        accessor = document["accessors"][target["POSITION"]]
        share = rig.shape_deltas[k].any(axis=1).mean()
        assert ("sparse" in accessor) == (share <= 1 / 3), rig.shape_names[k]
        view = document["bufferViews"][accessor["bufferView"]]
        if "sparse" in accessor:
            assert view["byteStride"] == 12
    sparse = [a for a in document["accessors"] if "sparse" in a]
    assert sparse and len({a["bufferView"] for a in sparse}) == 1  # one base for all


def test_every_primitive_shares_vertices_targets_and_names() -> None:
    document = json_of(rig_to_glb(sphere_rig()))
    (mesh,) = document["meshes"]
    first, second = mesh["primitives"]
    assert first["attributes"] == second["attributes"]
    assert first["targets"] == second["targets"]
    assert {frozenset(t) for t in first["targets"]} == {frozenset({"POSITION", "NORMAL"})}
    assert mesh["extras"]["targetNames"] == ["jawOpen", "mouthSmileLeft", "browInnerUp"]
    assert mesh["weights"] == [0, 0, 0]
    assert document["asset"] == {"generator": "mien", "version": "2.0"}
    assert "extensionsUsed" not in document


def test_normal_deltas_lead_to_the_posed_normals() -> None:
    rig = sphere_rig()
    deltas = normal_deltas(rig)
    for k in range(len(rig.shape_names)):
        weights = np.eye(len(rig.shape_names), dtype=np.float32)[k]
        posed = vertex_normals(blend(rig, weights), rig.triangles, rig.welded)
        np.testing.assert_allclose(rig.normals + deltas[k], posed, atol=1e-6)
    far = ~rig.shape_deltas[0].any(axis=1) & (rig.vertices[:, 1] > 0.2)
    assert far.any() and not deltas[0, far].any()  # exactly 0 where nothing moves


def test_weights_animation_comes_back_as_the_clip() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(-0.1, 1.1, (50, 2)).astype(np.float32)
    clip = Clip(("browInnerUp", "JawOpen"), 7 + np.arange(50) / 60, values)
    back = read_weights_animation(rig_to_glb(sphere_rig(), {"take": clip}), "take")
    assert back.names == ("jawOpen", "mouthSmileLeft", "browInnerUp")
    np.testing.assert_array_equal(back["jawOpen"], values[:, 1].clip(0, 1))
    np.testing.assert_array_equal(back["browInnerUp"], values[:, 0].clip(0, 1))
    assert not back["mouthSmileLeft"].any()
    np.testing.assert_allclose(back.times_s, np.arange(50) / 60, atol=1e-6)


def test_resampling_to_a_fixed_rate() -> None:
    clip = Clip(("jawOpen",), np.array([0, 0.5, 1.0]), np.array([[0], [1], [0]], np.float32))
    back = read_weights_animation(rig_to_glb(sphere_rig(), {"take": clip}, rate_hz=10))
    np.testing.assert_allclose(back["jawOpen"], 1 - np.abs(np.arange(11) / 5 - 1), atol=1e-6)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("jaw/open",), "ASCII letters"),
        (("jaw.open",), "ASCII letters"),
        (("Kiefer auf\u00df",), "ASCII letters"),
        (("",), "ASCII letters"),
        (("a" * 64,), "1 to 63"),
        (("jawOpen", "JawOpen"), "differ only by case"),
        (tuple(f"s{i}" for i in range(256)), "255 at most"),
    ],
)
def test_names_that_engines_spoil_are_refused(names: tuple[str, ...], message: str) -> None:
    with pytest.raises(ChannelError, match=message):
        check_shape_names(names)


def test_still_shapes_are_refused_or_dropped() -> None:
    rig = sphere_rig()
    deltas = rig.shape_deltas.copy()
    deltas[1] = 0
    still = replace(rig, shape_deltas=deltas)
    with pytest.raises(ChannelError, match="move nothing: mouthSmileLeft"):
        rig_to_glb(still)
    assert drop_still_shapes(still).shape_names == ("jawOpen", "browInnerUp")
    assert drop_still_shapes(rig) is rig


def test_broken_rigs_are_refused_with_the_field() -> None:
    rig = sphere_rig()
    nan = rig.vertices.copy()
    nan[5, 1] = np.nan
    heavy = rig.joint_weights * np.float32(1.5)
    long_normals = rig.normals * np.float32(2)
    for broken, message in (
        (replace(rig, vertices=nan), "vertices holds NaN"),
        (replace(rig, joint_weights=heavy), "joint_weights of vertex .* sum to 1.5"),
        (replace(rig, normals=long_normals), "length 2.0000"),
        (
            replace(rig, triangles=rig.triangles[:0], triangle_material=np.zeros(0, np.int32)),
            "no triangles",
        ),
        (
            replace(rig, materials=(Material("m", np.zeros((4, 4), np.uint8)), rig.materials[1])),
            "base_color has shape",
        ),
    ):
        with pytest.raises(InputError, match=message):
            rig_to_glb(broken)


def test_transparency_survives() -> None:
    rng = np.random.default_rng(0)
    texture = rng.integers(0, 256, (4, 6, 4), np.uint8)
    rig = replace(sphere_rig(), materials=(Material("lashes", texture), sphere_rig().materials[1]))
    back = read_rig(rig_to_glb(rig))
    np.testing.assert_array_equal(back.materials[0].base_color, texture)
