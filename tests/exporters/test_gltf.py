"""Rig -> GLB -> Rig: bit for bit, the same bytes each time, and the rules engines need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.rigs import assert_same, sphere_rig

from mien.clip import Clip
from mien.deform import blend, vertex_normals
from mien.glb import read_rig, read_weights_animation
from mien_exporters.gltf import normal_deltas, rig_to_glb
from mien_exporters.gltf_mesh import canonical_rig


def test_round_trip_is_bit_exact() -> None:
    rig = canonical_rig(sphere_rig())
    assert_same(read_rig(rig_to_glb(rig), rig.name), rig)


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
    moved_rig = canonical_rig(replace(rig, shape_names=("a", "b"), shape_deltas=deltas))
    assert_same(read_rig(rig_to_glb(moved_rig), rig.name), moved_rig)


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
