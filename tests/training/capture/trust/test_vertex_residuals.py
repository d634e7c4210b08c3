"""Residuals about a vertex are those near it."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.trust import vertex_residuals

RNG = np.random.default_rng(0)
VERTICES = RNG.uniform(-0.05, 0.05, (40, 3))


def test_even_residuals_are_found_everywhere_they_are():
    places = np.concatenate([VERTICES[:20]] * 3)
    found = vertex_residuals(VERTICES, places, np.full(60, 0.004), reach_m=0.001)
    np.testing.assert_allclose(found[:20], 0.004)
    assert np.isnan(found[20:]).any()


def test_only_neighbours_count_and_the_sure_ones_more():
    places = np.array([[0, 0, 0], [0.1, 0, 0], [0, 0.001, 0]])
    residuals = np.array([0.002, 0.009, 0.006])
    at = np.array([[0, 0, 0], [0.1, 0, 0]])
    found = vertex_residuals(at, places, residuals)
    assert 0.002 < found[0] < 0.006 and found[1] == pytest.approx(0.009)
    sure = vertex_residuals(at, places, residuals, np.array([1, 1, 0.01]))
    assert sure[0] == pytest.approx(0.002, rel=0.1)


def test_residuals_scale():
    places, residuals = VERTICES[::2], RNG.uniform(0, 0.01, 20)
    np.testing.assert_allclose(
        vertex_residuals(VERTICES, places, 3 * residuals),
        3 * vertex_residuals(VERTICES, places, residuals),
    )


def test_without_correspondences_nothing_is_known():
    assert np.isnan(vertex_residuals(VERTICES, np.zeros((0, 3)), np.zeros(0))).all()


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="not finite"):
        vertex_residuals(VERTICES, VERTICES, np.full(40, np.nan))
    with pytest.raises(InputError, match="expected"):
        vertex_residuals(VERTICES, VERTICES[:3], np.zeros(40))
