"""Eyeballs are rigid in every pose, and turn about their centres."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.rough_rigs import rough_rig

from mien_training.anatomy.eyeballs import eyeballs, joints_in_eyeballs, turn_eyeballs
from mien_training.geometry.alignment import fit_alignment


def residual(source, target, align="rigid"):
    fitted = fit_alignment(source, target, align).points(source)
    return np.linalg.norm(fitted - target, axis=1).max()


def angle_of(points, moved):
    turn = fit_alignment(points, moved).rotation
    return Rotation.from_matrix(turn).magnitude()


@pytest.mark.parametrize("head", ["anny_head", "ict_head"])
def test_noisy_balls_become_spheres_that_turn_about_their_centres(head, request):
    template = request.getfixturevalue(head)
    neutral, deltas = turn_eyeballs(template, *rough_rig(template, 1))
    centres = {j.name: np.array(j.position) for j in joints_in_eyeballs(template, neutral)}
    for eye in eyeballs(template, neutral):
        ball, centre = eye.vertices, centres[f"{eye.side.lower()}Eye"]
        own = template.vertices[ball]
        assert residual(own, neutral[ball], "similarity") < 1e-6
        size = eye.person_from_template.scale
        for k, name in enumerate(template.shape_names):
            posed = neutral[ball] + deltas[k, ball]
            if name.startswith("eyeLook") and name.endswith(eye.side):
                assert residual(neutral[ball], posed) < 1e-6
                iris = eye.iris
                np.testing.assert_allclose(
                    np.linalg.norm(posed - centre, axis=1),
                    size * np.linalg.norm(own - eye.centre, axis=1), atol=1e-6,
                )  # fmt: skip
                there = own + template.shape_deltas[k, ball]
                usual = angle_of(own[iris], there[iris])
                assert angle_of(neutral[ball], posed) == pytest.approx(usual, abs=0.12)
                assert usual > 0.1
            else:
                np.testing.assert_array_equal(deltas[k, ball], 0)


def test_the_rest_stays_as_given(anny_head):
    before = rough_rig(anny_head, 2)
    copies = [array.copy() for array in before]
    neutral, deltas = turn_eyeballs(anny_head, *before)
    for array, copy in zip(before, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    rest = ~anny_head.regions["eyes"]
    np.testing.assert_array_equal(neutral[rest], before[0][rest])
    np.testing.assert_array_equal(deltas[:, rest], before[1][:, rest])


def test_rigid_balls_come_back_unchanged(ict_head):
    neutral, deltas = turn_eyeballs(ict_head, ict_head.vertices, ict_head.shape_deltas)
    np.testing.assert_allclose(neutral, ict_head.vertices, atol=1e-7)
    looks = [n.startswith("eyeLook") for n in ict_head.shape_names]
    np.testing.assert_allclose(deltas[looks], ict_head.shape_deltas[looks], atol=1e-6)
    # A brow's tremor of the balls, 0.05 mm, is not kept.
    np.testing.assert_allclose(deltas, ict_head.shape_deltas, atol=6e-5)


def test_bent_balls_are_made_rigid_where_the_iris_goes(anny_head):
    """The source bends its balls: their rear stays, their front slides."""
    neutral, deltas = turn_eyeballs(anny_head, anny_head.vertices, anny_head.shape_deltas)
    np.testing.assert_allclose(neutral, anny_head.vertices, atol=1e-7)
    change = np.linalg.norm(deltas - anny_head.shape_deltas, axis=2)
    assert change.max() < 0.0038
    assert change[:, anny_head.regions["iris"]].max() < 0.0017


def test_both_eyes_look_the_same_way_in_the_neutral(anny_head):
    neutral = anny_head.vertices.copy()
    for eye, yaw in zip(eyeballs(anny_head, neutral), (0.1, -0.04), strict=True):
        away = neutral[eye.vertices] - eye.centre
        turn = Rotation.from_rotvec([0, yaw, 0])
        neutral[eye.vertices] = turn.apply(away) * 1.1 + eye.centre + [0.001, 0, 0]
    left, right = (eye.person_from_template for eye in eyeballs(anny_head, neutral))
    np.testing.assert_array_equal(left.rotation, right.rotation)
    assert left.scale == pytest.approx(1.1, abs=0.01)


def test_in_local_coordinates_the_ball_is_the_templates(anny_head):
    neutral, _ = turn_eyeballs(anny_head, *rough_rig(anny_head, 3))
    for eye in eyeballs(anny_head, neutral):
        local = eye.local(neutral)
        back = eye.person_from_template.points(local + eye.centre)
        np.testing.assert_allclose(back, neutral, atol=1e-7)
        own = anny_head.vertices[eye.vertices] - eye.centre
        np.testing.assert_allclose(local[eye.vertices], own, atol=1e-7)


def test_a_head_without_eyeballs_is_left_alone(anny_head):
    blind = replace(
        anny_head,
        regions={**anny_head.regions, "eyes": np.zeros(len(anny_head.vertices), bool)},
    )
    assert eyeballs(blind, blind.vertices) == ()
    neutral, deltas = turn_eyeballs(blind, *rough_rig(blind, 4))
    np.testing.assert_array_equal(neutral, rough_rig(blind, 4)[0])
    np.testing.assert_array_equal(deltas, rough_rig(blind, 4)[1])
    assert joints_in_eyeballs(blind, neutral) == blind.joints
