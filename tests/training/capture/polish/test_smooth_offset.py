"""The prior of displacements, and the steps that it and observations take together."""

import numpy as np
from scipy.sparse import csr_array

from mien_training.capture.polish.smooth_offset import SmoothOffset


def test_constants_stay_and_smoothing_is_linear(prior):
    ones = np.ones((len(prior.nodes), 1))
    np.testing.assert_allclose(prior.smoothed(ones), ones, atol=1e-9)
    a, b = np.random.default_rng(0).standard_normal((2, len(prior.nodes), 2))
    np.testing.assert_allclose(
        prior.smoothed(a + 2 * b), prior.smoothed(a) + 2 * prior.smoothed(b), atol=1e-9
    )


def test_a_step_is_the_minimum(prior):
    """No neighbouring offset costs less; without observations the displacement goes away."""
    rng = np.random.default_rng(0)
    count = len(prior.nodes)
    normals = rng.standard_normal((count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    corners = prior.nodes[rng.integers(0, count, (500, 3))]
    rows = prior.rows(corners, np.full((500, 3), 1 / 3))
    curvature, slope = rng.uniform(0, 1e7, 500), 1e3 * rng.standard_normal(500)
    before = 1e-4 * rng.standard_normal((count, 3))

    def cost(step):
        moved = rows @ step
        stiff = before + step[:, None] * normals
        prior_cost = 0.5 * (stiff * (prior._stiff @ stiff)).sum()
        return 0.5 * curvature @ moved**2 + slope @ moved + prior_cost

    best = prior.normal_step(rows, curvature, slope, normals, before)
    for _ in range(5):
        other = best + 1e-5 * rng.standard_normal(count)
        assert cost(best) < cost(other)
    nothing = csr_array((0, count))
    same = np.tile([[0.0, 0.0, 1.0]], (count, 1))
    flat = 1e-3 * rng.standard_normal(count)
    back = prior.normal_step(nothing, np.zeros(0), np.zeros(0), same, flat[:, None] * same)
    np.testing.assert_allclose(back, -flat, atol=1e-9)


def test_strong_observations_are_met_and_weak_ones_hardly(prior):
    corners = prior.nodes[np.array([[5, 6, 7], [900, 901, 902]])]
    rows = prior.rows(corners, np.full((2, 3), 1 / 3))
    wanted = np.array([[0.001, 0, 0], [0, 0.002, 0]])
    met = rows @ prior.displacement(rows, np.full(2, 1e12), wanted)
    np.testing.assert_allclose(met, wanted, atol=1e-6)
    assert np.abs(prior.displacement(rows, np.full(2, 1e-3), wanted)).max() < 1e-7


def test_corners_off_the_skin_do_not_count(anny, prior):
    eye = int(np.flatnonzero(anny.regions["eyes"])[0])
    rows = prior.rows(np.array([[eye, prior.nodes[0], prior.nodes[1]]]), np.full((1, 3), 1 / 3))
    assert rows.nnz == 2


def test_spread_scales_what_is_expected(anny, prior):
    wide = SmoothOffset(anny, 0.003, 0.010)
    assert abs(prior._stiff.sum() / wide._stiff.sum() - 4) < 1e-6
