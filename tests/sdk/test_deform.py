import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_rig import SMALL_SHAPES, small_rig

from mien.deform import (
    JointPose,
    blend,
    evaluate,
    pose_from_head,
    shape_weights,
    skin,
    tension,
    vertex_normals,
)
from mien.errors import ChannelError, InputError
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_from_rotation_vector,
    rotate,
)

RIG = small_rig()
K = len(SMALL_SHAPES)
SEEDS = st.integers(0, 2**32 - 1)
ATOL_M = 1e-7


def rotations(**by_name) -> np.ndarray:
    out = np.tile(IDENTITY, (len(RIG.joints), 1))
    for name, vector in by_name.items():
        out[RIG.joint_index[name]] = quaternion_from_rotation_vector(vector)
    return out


@given(SEEDS, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_blending_is_linear_in_the_weights(seed, p, q):
    a, b = np.random.default_rng(seed).uniform(0, 1, (2, K)).astype(np.float32)
    moved_by = lambda w: blend(RIG, w) - RIG.vertices  # noqa: E731
    np.testing.assert_allclose(
        moved_by(p * a + q * b), p * moved_by(a) + q * moved_by(b), atol=ATOL_M * 5
    )


def test_zero_is_neutral_and_one_is_the_shape():
    np.testing.assert_array_equal(blend(RIG, np.zeros(K)), RIG.vertices)
    for k in range(K):
        np.testing.assert_allclose(
            blend(RIG, np.eye(K)[k]), RIG.vertices + RIG.shape_deltas[k], atol=ATOL_M
        )


@given(SEEDS, st.integers(0, K))
def test_a_batch_equals_singles_however_many_are_active(seed, active):
    rng = np.random.default_rng(seed)
    w = rng.uniform(0, 1, (4, K)).astype(np.float32) * (rng.permutation(K) < active)
    np.testing.assert_allclose(blend(RIG, w), [blend(RIG, row) for row in w], atol=ATOL_M)


def test_inactive_shapes_are_not_read():
    poisoned = RIG.shape_deltas.copy()
    poisoned[3] = np.nan
    rig = dataclasses.replace(RIG, shape_deltas=poisoned)
    assert np.isfinite(blend(rig, np.eye(K)[1])).all()


@pytest.mark.parametrize("bad", [np.zeros(K + 1), np.zeros((2, 2, K)), np.float32(1)])
def test_a_wrong_number_of_weights_is_refused(bad):
    with pytest.raises(InputError, match="weights have shape"):
        blend(RIG, bad)


def test_weights_must_be_finite():
    with pytest.raises(InputError, match="finite"):
        blend(RIG, np.full(K, np.nan))


def test_weights_go_by_name():
    w = shape_weights(RIG, ("JawOpen", "eyeBlink_R"), np.array([[0.5, 0.25]]))
    assert w.shape == (1, K)
    assert w[0, RIG.shape_index["jawOpen"]] == 0.5
    assert w[0, RIG.shape_index["eyeBlinkRight"]] == 0.25 and w.sum() == 0.75
    with pytest.raises(ChannelError, match="jawOpne"):
        shape_weights(RIG, ("jawOpne",), np.zeros(1))


def test_normals_of_a_sphere_point_outwards_over_the_seam():
    radial = RIG.vertices - [0, 0.15, 0]
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    normals = vertex_normals(RIG.vertices, RIG.triangles, RIG.welded)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    inner = np.abs(radial[:, 1]) < 0.9  # the open rims lean
    assert (normals * radial).sum(axis=1)[inner].min() > 0.99
    np.testing.assert_array_equal(normals, normals[RIG.welded])
    assert not np.allclose(vertex_normals(RIG.vertices, RIG.triangles), normals, atol=1e-3)


def test_a_vertex_without_area_gets_a_unit_normal():
    single = np.zeros((4, 3), np.float32)
    single[1, 0] = single[2, 1] = 1
    normals = vertex_normals(single, np.array([[0, 1, 2]], np.int32))
    np.testing.assert_array_equal(normals, [[0, 0, 1]] * 4)


@settings(max_examples=20)
@given(SEEDS)
def test_normals_turn_with_the_mesh(seed):
    q = quaternion_from_rotation_vector(np.random.default_rng(seed).normal(size=3))
    turned = vertex_normals(rotate(q, RIG.vertices).astype(np.float32), RIG.triangles, RIG.welded)
    np.testing.assert_allclose(turned, rotate(q, RIG.normals), atol=1e-5)


def test_the_rest_pose_moves_nothing():
    np.testing.assert_allclose(
        skin(RIG, RIG.vertices, JointPose(rotations())), RIG.vertices, atol=ATOL_M
    )


@given(SEEDS)
def test_a_turned_root_is_a_rigid_motion(seed):
    vector, shift = np.random.default_rng(seed).normal(size=(2, 3))
    pose = JointPose(rotations(head_root=vector), root_translation_m=shift)
    expected = rotate(quaternion_from_rotation_vector(vector), RIG.vertices) + shift
    np.testing.assert_allclose(skin(RIG, RIG.vertices, pose), expected, atol=1e-6)


def test_skinning_agrees_with_its_formula():
    """v' = sum_j w_j (G_j (v - p_j)), G_j built from parent to child, written out per vertex."""
    pose = JointPose(rotations(neck=[0.2, 0.3, 0], head=[0, -0.5, 0.1]))
    turn = matrix_from_quaternion(pose.rotations_xyzw)
    at = np.array([joint.position for joint in RIG.joints])
    expected = np.zeros_like(RIG.vertices, dtype=np.float64)
    for j, joint in enumerate(RIG.joints):
        moved = RIG.vertices.astype(np.float64)
        chain, up = [], j
        while up >= 0:
            chain.append(up)
            up = RIG.joints[up].parent
        for i in chain:  # the joint itself first, then its parents
            moved = (moved - at[i]) @ turn[i].T + at[i]
        weight = np.where(RIG.joint_indices == j, RIG.joint_weights, 0).sum(axis=1)
        expected += weight[:, None] * moved
        assert joint.name
    np.testing.assert_allclose(skin(RIG, RIG.vertices, pose), expected, atol=1e-6)


def test_skinning_a_batch_equals_singles():
    frames = blend(RIG, np.random.default_rng(0).random((3, K)))
    pose = pose_from_head(RIG, quaternion_from_rotation_vector([0.1, 0.4, 0]))
    np.testing.assert_allclose(
        skin(RIG, frames, pose), [skin(RIG, frame, pose) for frame in frames], atol=ATOL_M
    )


@given(SEEDS, st.floats(0, 1))
def test_neck_and_head_together_make_the_rotation(seed, share):
    vector = np.random.default_rng(seed).uniform(-0.8, 0.8, 3)
    q = quaternion_from_rotation_vector(vector)
    pose = pose_from_head(RIG, q, neck_share=share)
    skull = RIG.joint_indices.copy()
    skull[:] = RIG.joint_index["head"]
    rig = dataclasses.replace(
        RIG, joint_indices=skull, joint_weights=np.tile(np.float32([1, 0, 0, 0]), (len(skull), 1))
    )
    edges = skin(rig, RIG.vertices, pose) - skin(rig, RIG.vertices, pose)[0]
    np.testing.assert_allclose(edges, rotate(q, RIG.vertices - RIG.vertices[0]), atol=1e-6)


def test_eyes_turn_about_their_own_centres():
    left = quaternion_from_rotation_vector([0, 0.4, 0])
    pose = pose_from_head(RIG, IDENTITY, left_eye_xyzw=left)
    np.testing.assert_allclose(pose.rotations_xyzw[RIG.joint_index["leftEye"]], left)
    np.testing.assert_allclose(pose.rotations_xyzw[RIG.joint_index["rightEye"]], IDENTITY)


def test_a_pose_for_another_skeleton_is_refused():
    with pytest.raises(InputError, match="a pose of"):
        skin(RIG, RIG.vertices, JointPose(np.tile(IDENTITY, (3, 1))))


def test_evaluate_is_blend_then_skin_then_normals():
    w = np.random.default_rng(1).random(K)
    pose = pose_from_head(RIG, quaternion_from_rotation_vector([0, 0.5, 0]))
    vertices, normals = evaluate(RIG, w, pose)
    np.testing.assert_array_equal(vertices, skin(RIG, blend(RIG, w), pose))
    np.testing.assert_array_equal(normals, vertex_normals(vertices, RIG.triangles, RIG.welded))
    at_rest, rest_normals = evaluate(RIG, np.zeros(K))
    np.testing.assert_array_equal(at_rest, RIG.vertices)
    np.testing.assert_allclose(rest_normals, RIG.normals, atol=1e-6)


def test_tension_is_relative_stretch():
    """Of a band of the sphere that is drawn out, in parts of the rest, whatever the size."""
    lower = RIG.vertices[:, 1] < 0.11
    for size in (0.5, 1.0, 3.0):
        for factor in (0.8, 1.2):
            drawn = RIG.vertices.astype(np.float64)
            drawn[lower, ::2] *= factor
            stretch = tension(RIG, size * drawn)
            bottom = RIG.vertices[:, 1].argmin()  # its ring is a circle, its spokes are not
            assert (stretch[bottom] > 0.02) if factor > 1 else (stretch[bottom] < -0.02)
            np.testing.assert_allclose(stretch[RIG.vertices[:, 1] > 0.16], 0, atol=1e-6)


@given(SEEDS, st.floats(0.3, 3.0))
def test_tension_ignores_rigid_motion_and_size(seed, size):
    rng = np.random.default_rng(seed)
    turn = matrix_from_quaternion(quaternion_from_rotation_vector(rng.normal(0, 1, 3)))
    shape = blend(RIG, rng.uniform(0, 1, K)).astype(np.float64)
    moved = size * shape @ turn.T + rng.normal(0, 1, 3)
    np.testing.assert_allclose(tension(RIG, moved), tension(RIG, shape), atol=1e-6)
    neutral = size * RIG.vertices.astype(np.float64) @ turn.T + rng.normal(0, 1, 3)
    np.testing.assert_allclose(tension(RIG, neutral), 0, atol=1e-6)


def test_a_mesh_of_one_point_has_no_tension():
    point = dataclasses.replace(RIG, vertices=np.zeros_like(RIG.vertices))
    np.testing.assert_array_equal(tension(point, RIG.vertices), 0)


def test_tension_of_no_frames_is_empty_and_of_other_meshes_refused():
    assert tension(RIG, np.zeros((0, *RIG.vertices.shape))).shape == (0, len(RIG.vertices))
    for bad in (RIG.vertices[1:], RIG.vertices[:, :2], np.zeros(3)):
        with pytest.raises(InputError, match="vertices have shape"):
            tension(RIG, bad)


def test_tension_is_local():
    pulled = RIG.vertices.copy()
    pulled[45] += RIG.normals[45] * 0.02
    stretch = tension(RIG, pulled)
    near = np.unique(RIG.triangles[(RIG.triangles == 45).any(axis=1)])
    assert stretch[45] > 0.01
    np.testing.assert_array_equal(np.delete(stretch, near), 0)


def test_tension_of_a_batch_equals_singles_and_joins_the_seam():
    frames = blend(RIG, np.random.default_rng(0).random((3, K)))
    batch = tension(RIG, frames)
    np.testing.assert_array_equal(batch, [tension(RIG, frame) for frame in frames])
    np.testing.assert_array_equal(batch, batch[:, RIG.welded])
