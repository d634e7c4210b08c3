"""Sums along rays: exact for constant density, and samples go where the weight is."""

import numpy as np
import pytest

from mien.avatar.volume.quadrature import cell_lengths, even_samples, gather, weighted_samples

NEAR, FAR = np.array([0.2, 1.0], np.float32), np.array([0.5, 3.0], np.float32)


@pytest.mark.parametrize("count", [1, 4, 9])
def test_cells_fill_the_ray_and_constant_density_is_exact(count):
    t = even_samples(NEAR, FAR, count)
    lengths = cell_lengths(t, NEAR, FAR)
    assert (np.diff(t) > 0).all() and t.shape == lengths.shape == (2, count)
    np.testing.assert_allclose(lengths.sum(1), FAR - NEAR, rtol=1e-6)
    weights = gather(np.full((2, count), 3.0, np.float32), lengths)
    np.testing.assert_allclose(weights.sum(1), 1 - np.exp(-3.0 * (FAR - NEAR)), rtol=1e-5)


def test_nothing_shows_behind_what_is_opaque():
    density = np.array([[0, 1e6, 5, 5]], np.float32)
    weights = gather(density, np.full((1, 4), 0.1, np.float32))
    np.testing.assert_allclose(weights, [[0, 1, 0, 0]], atol=1e-6)


def test_samples_go_where_the_weight_is():
    t = even_samples(NEAR, FAR, 5)
    lengths = cell_lengths(t, NEAR, FAR)
    weights = np.zeros((2, 5), np.float32)
    weights[:, 3] = 1.0
    more = weighted_samples(NEAR, lengths, weights, 8)
    begin = NEAR[:, None] + np.cumsum(lengths, 1) - lengths
    inside = (more >= begin[:, 3:4]) & (more <= begin[:, 3:4] + lengths[:, 3:4])
    assert (np.diff(more) > 0).all() and inside.sum(1).min() >= 7
    even = weighted_samples(NEAR, lengths, np.zeros_like(weights), 5)
    np.testing.assert_allclose(even, t, atol=1e-5)
