"""Ears differ by themselves: the face around them stays."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.rig.scan.ears import ear_modes, ear_rims
from mien_training.templates.regions import face_region

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def modes(template):
    return ear_modes(template)


def test_rims_are_the_outermost_of_either_side(template):
    left, right = ear_rims(template)
    widest = np.abs(template.vertices[:, 0][template.regions["skin"]]).max()
    assert (template.vertices[left, 0] > 0.8 * widest).all()
    assert (template.vertices[right, 0] < -0.8 * widest).all()
    np.testing.assert_allclose(
        template.vertices[left].mean(0) * [-1, 1, 1], template.vertices[right].mean(0), atol=2e-3
    )


def test_each_ear_has_three_shifts_and_nine_linear_maps(template, modes):
    left, right = ear_rims(template)
    assert modes.shape == (24, len(template.vertices), 3)
    for ear, mine, other in ((modes[:12], left, right), (modes[12:], right, left)):
        np.testing.assert_allclose(
            ear[:3, mine], 0.005 * np.eye(3)[:, None].repeat(len(mine), 1), atol=1e-12
        )
        assert not ear[:, other].any()
        assert abs(ear[3:, mine].mean(1)).max() < 1e-9  # about the middle of the ear
        rank = np.linalg.matrix_rank(ear.reshape(12, -1))
        assert rank == 12


def test_the_middle_of_the_face_and_what_is_no_skin_stay(template, modes):
    near = np.abs(template.vertices[:, 0]) < 0.04
    assert not modes[:, near & face_region(template)].any()
    assert not modes[:, ~template.regions["skin"]].any()


def test_a_ball_without_sides_above_its_joint_has_none(template):
    low = replace(template, vertices=template.vertices - np.float32([0, 1, 0]))
    assert ear_modes(low).shape == (0, len(template.vertices), 3)
