"""Meshes that the cameras cannot have seen are failures with a reason."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured_takes import NAMES, CodedPredictor, ring_of_cameras

from mien.errors import InputError
from mien_training.cameras import look_at_camera
from mien_training.capture.run.moment_checks import checked_moment

CAMERAS = ring_of_cameras()


@pytest.fixture(scope="module")
def result(head_template):
    images = [np.full((8, 8, 3), c, np.uint8) for c in range(3)]
    return CodedPredictor(head_template).predict(images, CAMERAS, None)


def test_what_cameras_see_from_outside_stays(result, head_template):
    assert checked_moment(result, CAMERAS, NAMES, head_template) is result


def test_a_camera_inside_the_head(result, head_template):
    inside = look_at_camera((0.01, 0.02, 0.03), (0, 0, 1), 0.4, 24, 24)
    beside = look_at_camera((0.085, 0.085, 0.085), (0, 0, 0), 2.0, 24, 24)  # in its box, outside it
    found = checked_moment(result, [CAMERAS[0], inside, CAMERAS[2]], NAMES, head_template)
    assert "camera 'middle' is inside the head" in found.failure
    assert not checked_moment(result, [*CAMERAS[:2], beside], NAMES, head_template).failure


@pytest.mark.parametrize("shift", [(3.0, 0, 0), (0, 0, 5.0)])
def test_a_head_outside_the_pictures(result, head_template, shift):
    away = replace(result, vertices=result.vertices + np.float32(shift))
    found = checked_moment(away, CAMERAS, NAMES, head_template)
    assert "in the pictures of 0 of 3 cameras" in found.failure


def test_a_failure_keeps_its_reason(result, head_template):
    lost = replace(result, vertices=result.vertices + 9, failure="two heads")
    assert checked_moment(lost, CAMERAS, NAMES, head_template).failure == "two heads"


def test_another_templates_result_is_the_predictors_fault(result, head_template):
    fewer = replace(
        result,
        **{n: getattr(result, n)[1:] for n in ("vertices", "confidence", "views", "spread_m")},
    )
    for wrong, cameras in ((fewer, CAMERAS), (result, CAMERAS[:2])):
        with pytest.raises(InputError, match="the predictor gave"):
            checked_moment(wrong, cameras, NAMES, head_template)
