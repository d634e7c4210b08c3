"""Rigid motion is found and taken back; spheres are found from a part of them."""

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.templates.placing import place_by_eyes, sphere_centre, without_rigid_motion


def ball(centre, radius, count=400):
    points = np.random.default_rng(0).standard_normal((count, 3))
    return np.array(centre) + radius * points / np.linalg.norm(points, axis=1, keepdims=True)


def test_sphere_from_its_rear():
    points = ball((0.03, 0.14, 0.11), 0.0125)
    rear = points[points[:, 2] < 0.112]
    np.testing.assert_allclose(sphere_centre(rear), (0.03, 0.14, 0.11), atol=1e-9)


def test_head_motion_is_removed_and_expression_kept():
    rng = np.random.default_rng(1)
    vertices = rng.normal(0, 0.08, (500, 3))
    skull = np.arange(500) < 200
    own = np.where(skull[:, None], 0, rng.normal(0, 0.004, (500, 3)))
    turn = Rotation.from_rotvec([0.05, -0.02, 0.03]).as_matrix()
    carried = (vertices + own) @ turn.T + (0.003, -0.004, 0.002) - vertices
    out = without_rigid_motion(vertices, np.stack([carried, own]), skull)
    np.testing.assert_allclose(out[0], own, atol=1e-9)
    np.testing.assert_array_equal(out[1], own)


def test_joints_scale_with_the_head():
    left, right = ball((0.0295, 1.5, 0.1), 0.012), ball((-0.0295, 1.5, 0.1), 0.012)
    vertices = np.concatenate([left, right])
    eyeballs = (np.arange(400), np.arange(400, 800))
    one = place_by_eyes(vertices, eyeballs, np.zeros(800, bool))
    two = place_by_eyes(2 * vertices, eyeballs, np.zeros(800, bool))
    for a, b in zip(one.joints, two.joints, strict=True):
        np.testing.assert_allclose(np.array(b.position), 2 * np.array(a.position), atol=1e-9)
    np.testing.assert_array_equal(one.joint_weights, two.joint_weights)
    np.testing.assert_allclose(one.joint_weights[:400, 3], 1)
    np.testing.assert_allclose(one.joint_weights[400:, 4], 1)
