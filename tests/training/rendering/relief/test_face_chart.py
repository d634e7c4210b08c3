"""A face laid flat: left and right alike, lengths true across the cylinder."""

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_chart import FaceChart, along_line
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def chart():
    template = load_template("anny")
    return FaceChart(FaceFrame.of(template, template.vertices))


def test_eyes_are_one_apart_and_mirrored_points_mirror(chart):
    flat, _ = chart.flat(chart.frame.eyes)
    assert flat[0, 0] - flat[1, 0] == pytest.approx(1.0, abs=0.1)
    points = chart.frame.middle + np.random.default_rng(0).normal(0, 0.05, (50, 3))
    other = points.copy()
    other[:, 0] = 2 * chart.frame.middle[0] - other[:, 0]
    (here, near), (there, same) = chart.flat(points), chart.flat(other)
    np.testing.assert_allclose(there, here * [-1, 1], atol=1e-4)
    np.testing.assert_allclose(near, same, atol=1e-5)


def test_steps_on_the_skin_have_their_length(chart):
    angles = np.linspace(-1, 1, 201)
    for radius in (0.7 * chart.radius_m, chart.radius_m, 1.3 * chart.radius_m):
        around = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], 1) * radius
        flat, own = chart.flat(around + [chart.frame.middle[0], 0.1, chart.frame.skull_z])
        steps = np.diff(flat[:, 0]) * chart.frame.unit * own[1:]
        np.testing.assert_allclose(steps.sum(), 2 * radius, rtol=1e-4)


def test_distances_from_a_line_and_places_along_it():
    line = [(0, 0), (1, 0), (1, 1)]
    points = np.array([[0.5, 0.2], [0.5, -0.2], [1.3, 0.5], [1.0, 0.25], [-1.0, 0.0]], np.float32)
    distance, place = along_line(points, line)
    np.testing.assert_allclose(distance, [0.2, 0.2, 0.3, 0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(place, [0.25, 0.25, 0.75, 0.625, 0.0], atol=1e-6)
    wide, _ = along_line(points, line, (3.0, 1.0))
    np.testing.assert_allclose(wide, [0.2, 0.2, 0.9, 0.0, 3.0], atol=1e-6)
    each, _ = along_line(points, line, np.array([[1, 1], [1, 2], [1, 1], [1, 1], [2, 1]]))
    np.testing.assert_allclose(each, [0.2, 0.4, 0.3, 0.0, 2.0], atol=1e-6)
