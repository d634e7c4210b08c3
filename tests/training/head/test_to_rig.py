"""Splitting at UV seams loses nothing and welds back."""

import numpy as np
import pytest

from mien.deform import blend
from mien.errors import InputError
from mien_training.head.to_rig import rig_from_template, rig_vertex_of_template


def test_every_vertex_knows_its_source(anny):
    rig, source = rig_from_template(anny, "seed 4", anny.identity.sample(4))
    assert len(source) == len(rig.vertices) > len(anny.vertices)
    assert set(source) == set(anny.triangles.ravel())
    person = anny.vertices + anny.identity.sample(4)
    np.testing.assert_allclose(rig.vertices, person[source], atol=1e-7)
    np.testing.assert_array_equal(source[rig.triangles], anny.triangles)
    np.testing.assert_array_equal(rig.uvs[rig.triangles], anny.uvs[anny.uv_triangles])


def test_of_every_vertex_the_rig_has_a_first(anny):
    _, source = rig_from_template(anny, "anny")
    first = rig_vertex_of_template(source, len(anny.vertices))
    there = first >= 0
    assert set(np.flatnonzero(there)) == set(source)
    np.testing.assert_array_equal(source[first[there]], np.flatnonzero(there))
    assert rig_vertex_of_template(np.array([2, 0, 2], np.int32), 4).tolist() == [1, -1, 0, -1]


def test_seams_stay_closed_in_motion(anny):
    rig, source = rig_from_template(anny, "anny")
    weights = np.random.default_rng(0).random(len(rig.shape_names)).astype(np.float32)
    posed = blend(rig, weights)
    whole = anny.vertices + np.tensordot(weights, anny.shape_deltas, 1)
    np.testing.assert_allclose(posed, whole[source], atol=1e-6)
    normal = {}
    for vertex, n in zip(source, rig.normals, strict=True):
        np.testing.assert_array_equal(normal.setdefault(vertex, n), n)


def test_eye_joints_follow_the_person(anny):
    identity = np.zeros_like(anny.vertices)
    identity[anny.joint_weights[:, 3] > 0.5] = (0.002, 0.001, 0)
    rig, _ = rig_from_template(anny, "wide", identity)
    moved = np.array([j.position for j in rig.joints]) - [j.position for j in anny.joints]
    np.testing.assert_allclose(moved[3], (0.002, 0.001, 0), atol=1e-6)
    np.testing.assert_allclose(moved[[0, 1, 2, 4]], 0, atol=1e-6)


def test_wrong_identity_and_materials_are_refused(anny):
    with pytest.raises(InputError, match="identity"):
        rig_from_template(anny, "x", np.zeros((3, 3), np.float32))
    with pytest.raises(InputError, match="materials"):
        rig_from_template(anny, "x", None, ())
