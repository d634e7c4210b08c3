"""Anchors turn, move and grow with the mesh; their frames are rotations; layers lie outside."""

from dataclasses import replace

import numpy as np
import pytest

from mien.avatar import Anchors, displacement_image, pose_anchors, raise_layers
from mien.errors import InputError
from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector

SIDE, SIZE = 9, 24


def bowl(x, y):
    return np.stack([x, y, 0.3 - 0.8 * (x**2 + y**2) + 0.1 * x * y], -1)


@pytest.fixture(scope="module")
def vertices():
    """(81, 3) a bumpy patch that faces +Z."""
    y, x = np.meshgrid(*[np.linspace(-0.4, 0.4, SIDE)] * 2, indexing="ij")
    return bowl(x.ravel(), -y.ravel())


@pytest.fixture(scope="module")
def anchors(vertices):
    """Its texels on an atlas that it fills."""
    at = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    a, b, c, d = (x.ravel() for x in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    triangles = np.stack([np.stack([a, d, c], 1), np.stack([a, c, b], 1)], 1).reshape(-1, 3)
    uvs = np.stack(np.meshgrid(*[np.linspace(0, 1, SIDE)] * 2), -1).reshape(-1, 2)
    v, u = np.meshgrid(*[(np.arange(SIZE) + 0.5) / SIZE * (SIDE - 1)] * 2, indexing="ij")
    u, v = u.ravel(), v.ravel()
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    s, t = u - column, v - row
    upper = s > t
    bary = np.where(upper[:, None], np.stack([1 - s, t, s - t], 1), np.stack([1 - t, t - s, s], 1))
    p = vertices[triangles]
    area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    return Anchors(
        SIZE, np.arange(SIZE * SIZE), (2 * (row * (SIDE - 1) + column) + upper).astype(np.int32),
        bary.astype(np.float32), triangles.astype(np.int32), uvs.astype(np.float32),
        np.arange(SIDE * SIDE, dtype=np.int32), SIDE * SIDE,
        np.bincount(triangles.ravel(), np.repeat(area, 3)).astype(np.float32),
        np.empty((0, 2), np.int32), np.empty((0, 2), np.float32),
    )  # fmt: skip


def some_motion(seed):
    rng = np.random.default_rng(seed)
    turn = matrix_from_quaternion(quaternion_from_rotation_vector(rng.normal(0, 1, 3)))
    return turn, rng.normal(0, 1, 3)


def test_at_rest_anchors_lie_on_the_surface_and_look_out_of_it(anchors, vertices):
    rest = pose_anchors(anchors, vertices)
    x, y, z = rest.positions.T
    np.testing.assert_allclose(z, bowl(x, y)[:, 2], atol=5e-3)
    slope = np.stack([1.6 * x - 0.1 * y, 1.6 * y - 0.1 * x, np.ones_like(x)], -1)
    slope /= np.linalg.norm(slope, axis=1, keepdims=True)
    assert (rest.rotations[:, :, 2] * slope).sum(1).min() > 0.99
    assert rest.rotations[:, 0, 0].min() > 0.75  # u runs along x
    assert rest.rotations[:, 1, 1].min() > 0.75  # and up on the atlas is +Y
    np.testing.assert_allclose(rest.scales, 1, atol=1e-6)


def test_frames_are_rotations_and_change_smoothly(anchors, vertices):
    rest = pose_anchors(anchors, vertices)
    product = rest.rotations.swapaxes(1, 2) @ rest.rotations
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rest.rotations), 1, atol=1e-12)
    np.testing.assert_allclose(matrix_from_quaternion(rest.quaternions), rest.rotations, atol=1e-9)
    image = rest.rotations.reshape(SIZE, SIZE, 9)
    assert np.abs(np.diff(image, axis=0)).max() < 0.15
    assert np.abs(np.diff(image, axis=1)).max() < 0.15


@pytest.mark.parametrize("seed", range(3))
def test_rigid_motion_and_scale_carry_over_exactly(anchors, vertices, seed):
    turn, shift = some_motion(seed)
    rest = pose_anchors(anchors, vertices)
    moved = pose_anchors(anchors, 1.7 * vertices @ turn.T + shift)
    np.testing.assert_allclose(moved.positions, 1.7 * rest.positions @ turn.T + shift, atol=1e-12)
    np.testing.assert_allclose(moved.rotations, turn @ rest.rotations, atol=1e-12)
    np.testing.assert_allclose(moved.scales, 1.7 * rest.scales, atol=1e-12)


def test_stretch_shows_in_the_scale(anchors, vertices):
    flat = vertices * (1, 1, 0)
    one, two = pose_anchors(anchors, flat), pose_anchors(anchors, flat * (4, 1, 1))
    np.testing.assert_allclose(two.scales / one.scales, 2, atol=1e-9)


def test_a_batch_equals_single_poses(anchors, vertices):
    both = np.stack([vertices, 2 * vertices[:, [1, 2, 0]]])[:, None]
    batch = pose_anchors(anchors, both)
    assert batch.positions.shape == (2, 1, SIZE * SIZE, 3)
    for k in range(2):
        one = pose_anchors(anchors, both[k, 0])
        np.testing.assert_array_equal(batch.positions[k, 0], one.positions)
        np.testing.assert_array_equal(batch.quaternions[k, 0], one.quaternions)
        np.testing.assert_array_equal(batch.scales[k, 0], one.scales)


@pytest.mark.parametrize("squeeze", [(1, 1, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)])
def test_frames_stay_rotations_when_the_surface_shrinks_to_nothing(anchors, vertices, squeeze):
    rotations = pose_anchors(anchors, vertices * squeeze).rotations
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-9)
    product = rotations.swapaxes(1, 2) @ rotations
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-9)


def test_raised_layers_lie_off_the_surface_and_go_with_it(anchors, vertices):
    rest = pose_anchors(anchors, vertices)
    chosen = np.array([5, 100, 300])
    lifted = raise_layers(rest, chosen, (0.01, 0.05))
    off = lifted.positions.reshape(2, 3, 3) - rest.positions[chosen]
    normal = rest.rotations[chosen, :, 2]
    np.testing.assert_allclose((off * normal).sum(-1), [[0.01] * 3, [0.05] * 3], atol=1e-7)
    np.testing.assert_array_equal(lifted.rotations[3:], rest.rotations[chosen])
    turn, shift = some_motion(4)
    moved = raise_layers(pose_anchors(anchors, 2 * vertices @ turn.T + shift), chosen, (0.01, 0.05))
    np.testing.assert_allclose(moved.positions, 2 * lifted.positions @ turn.T + shift, atol=1e-12)


def test_displacements_are_of_the_face_and_not_of_the_head(anchors, vertices):
    turn, shift = some_motion(5)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, shift
    change = np.zeros_like(vertices)
    change[40] = (0.0, 0.01, 0.02)
    posed = (vertices + change) @ turn.T + shift
    image = displacement_image(anchors, vertices, posed, matrix)
    assert image.shape == (3, SIZE, SIZE) and image.dtype == np.float32
    middle = image[:, SIZE // 2, SIZE // 2]
    assert 0 < middle[1] < 0.0101 and abs(middle[2] - 2 * middle[1]) < 1e-6
    assert np.abs(image[:, :2]).max() < 1e-7
    several = displacement_image(anchors, vertices, np.stack([posed, posed]), matrix[None])
    np.testing.assert_allclose(several[1], image, atol=1e-7)
    still = displacement_image(anchors, vertices, vertices)
    assert not still.any()


def test_extra_vertices_follow_theirs(anchors, vertices):
    """The last vertex of the patch, given as the mean of two others."""
    last = len(vertices) - 1
    shorter = replace(
        anchors, vertex_count=last,
        extra_corners=np.array([[last - 1, last - SIDE]], np.int32),
        extra_weights=np.full((1, 2), 0.5, np.float32),
    )  # fmt: skip
    whole = vertices.copy()
    whole[last] = 0.5 * (whole[last - 1] + whole[last - SIDE])
    expected, found = pose_anchors(anchors, whole), pose_anchors(shorter, whole[:last])
    np.testing.assert_allclose(found.positions, expected.positions, atol=1e-12)
    np.testing.assert_allclose(found.rotations, expected.rotations, atol=1e-12)
    moved = displacement_image(shorter, whole[:last], whole[:last] + (0, 0, 1))
    np.testing.assert_allclose(moved[2], 1, atol=1e-6)


def test_the_same_on_a_mesh_with_split_vertices(anchors, vertices):
    first = np.arange(len(vertices)) * 2 + 1
    split = np.full((2 * len(vertices) + 3, 3), np.nan)
    split[first] = vertices
    found = pose_anchors(anchors.for_rig(first, len(split)), split)
    expected = pose_anchors(anchors, vertices)
    np.testing.assert_array_equal(found.positions, expected.positions)
    np.testing.assert_array_equal(found.rotations, expected.rotations)
    np.testing.assert_array_equal(found.scales, expected.scales)


def test_images_have_their_texels_in_place(anchors, vertices):
    some = replace(anchors, texel=anchors.texel[::2], triangle=anchors.triangle[::2],
                   bary=anchors.bary[::2])  # fmt: skip
    image = some.image(pose_anchors(some, vertices).positions)
    assert image.shape == (3, SIZE, SIZE)
    flat = image.reshape(3, -1)
    assert not flat[:, 1::2].any()
    np.testing.assert_allclose(flat[:, ::2].T, pose_anchors(some, vertices).positions, atol=1e-7)


def test_other_vertices_are_refused(anchors, vertices):
    with pytest.raises(InputError, match=r"pose_anchors: vertices \(80, 3\)"):
        pose_anchors(anchors, vertices[:-1])
    with pytest.raises(InputError, match="displacement_image"):
        displacement_image(anchors, vertices, vertices[:-1])
