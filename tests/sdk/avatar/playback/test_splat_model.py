"""Coefficients and mesh to Gaussians: the formula, its linearity, and that it turns along."""

from dataclasses import replace

import numpy as np
import pytest
from support.rigs import sphere_rig
from support.splat_avatars import sphere_avatar

from mien.avatar import pose_anchors
from mien.errors import InputError
from mien.rotation import (
    matrix_from_quaternion,
    quaternion_from_rotation_vector,
    quaternion_multiply,
    rotate,
    unit_quaternion,
)

RUN, RIG = sphere_avatar(), sphere_rig()
MODEL = RUN.model
RNG = np.random.default_rng(5)
C = RNG.normal(0, 1, len(RUN.maps)).astype(np.float32)
POSED = RIG.vertices + 0.6 * RIG.shape_deltas[0] + 0.4 * RIG.shape_deltas[2]


def one_by_one(vertices, coefficients):
    """Each Gaussian by the docstring's formula, in double precision."""
    poses = pose_anchors(RUN.anchors, vertices)
    changes = np.tensordot(coefficients.astype(np.float64), RUN.maps, 1)
    rows = []
    for g, n in enumerate(RUN.anchor):
        p = RUN.static[g].astype(np.float64)
        if RUN.lift_m[g] == 0:
            p = p + changes[n, :13]
        else:
            p[10:] += changes[n, 13:]
        R, s, h = poses.rotations[n], poses.scales[n], float(RUN.spacing_m[g])
        turn = np.append(p[3:6], 1.0)
        rows.append(
            (
                poses.positions[n] + s * R @ (h * p[:3] + [0, 0, RUN.lift_m[g]]),
                quaternion_multiply(poses.quaternions[n], turn / np.linalg.norm(turn)),
                s * h * np.exp(np.clip(p[6:9], -5, 3)),
                1 / (1 + np.exp(-p[9])),
                1 / (1 + np.exp(-p[10:])),
            )
        )
    return [np.array(column) for column in zip(*rows, strict=True)]


def arrays(splats):
    return (splats.means, splats.rotations, splats.scales, splats.opacities, splats.colours)


def test_every_gaussian_is_what_the_formula_says():
    found = arrays(MODEL.posed(POSED, C))
    for name, ours, theirs in zip("mrsoc", found, one_by_one(POSED, C), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6, err_msg=name)


def test_parameters_are_linear_in_the_coefficients():
    rest = MODEL.parameters(np.zeros_like(C))
    np.testing.assert_array_equal(rest, RUN.static)
    both = MODEL.parameters(2 * C) - rest
    np.testing.assert_allclose(both, 2 * (MODEL.parameters(C) - rest), atol=1e-5)
    lifted = RUN.lift_m > 0
    np.testing.assert_array_equal(MODEL.parameters(C)[lifted, :10], RUN.static[lifted, :10])
    assert np.abs(both[lifted, 10:]).max() > 0.01


def test_gaussians_turn_and_move_with_the_head():
    q = quaternion_from_rotation_vector([0.3, -1.1, 0.4])
    still, moved = MODEL.posed(POSED, C), MODEL.posed(rotate(q, POSED) + [0.1, 0.2, -0.3], C)
    np.testing.assert_allclose(moved.means, rotate(q, still.means) + [0.1, 0.2, -0.3], atol=1e-6)
    ours = matrix_from_quaternion(unit_quaternion(moved.rotations))
    theirs = matrix_from_quaternion(q) @ matrix_from_quaternion(unit_quaternion(still.rotations))
    np.testing.assert_allclose(ours, theirs, atol=2e-6)
    np.testing.assert_allclose(moved.scales, still.scales, rtol=2e-5)
    np.testing.assert_array_equal(moved.colours, still.colours)


def test_hair_grows_with_its_head():
    large = MODEL.posed(2 * RIG.vertices, C)
    np.testing.assert_allclose(large.means, 2 * MODEL.posed(RIG.vertices, C).means, atol=2e-6)


def test_extreme_parameters_stay_finite():
    wild = replace(MODEL, static=np.full_like(MODEL.static, 1e4))
    splats = wild.posed(RIG.vertices, C)
    assert splats.opacities.max() == 1 and splats.scales.max() <= np.exp(3.01) * 2


@pytest.mark.parametrize("c", [np.zeros(3), np.full(5, np.nan), np.zeros((2, 5))])
def test_other_coefficients_are_refused(c):
    with pytest.raises(InputError, match=r"coefficients of shape .* expected \(5,\), finite"):
        MODEL.posed(RIG.vertices, c)


def test_other_meshes_are_refused():
    with pytest.raises(InputError, match="vertices"):
        MODEL.posed(RIG.vertices[:-1], C)
