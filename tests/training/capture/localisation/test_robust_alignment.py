"""Gauss-Newton finds pose and coefficients together, and never makes things worse."""

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.capture.localisation.robust_alignment import robust_alignment, robust_weight


def test_all_unknowns_together_from_points():
    rng = np.random.default_rng(0)
    points, bases = 0.1 * rng.standard_normal((80, 3)), 0.02 * rng.standard_normal((80, 3, 4))
    turn, c = Rotation.from_rotvec([0.3, -0.2, 0.1]).as_matrix(), rng.standard_normal(4)
    targets = (points + bases @ c) @ turn.T + [0.02, 0.01, 0.03]
    fit = robust_alignment(
        points, bases, np.broadcast_to(np.eye(3), (80, 3, 3)), targets, np.ones(80),
        np.full(4, 1e-12), (np.eye(3), np.zeros(3), np.zeros(4)), 0.1, 60,
    )  # fmt: skip
    np.testing.assert_allclose(fit.rotation, turn, atol=1e-4)
    np.testing.assert_allclose(fit.coefficients, c, atol=1e-2)
    assert (np.diff(fit.objective) <= 0).all()
    np.testing.assert_allclose(fit.residuals, 0, atol=1e-4)


def test_a_ridge_holds_coefficients_back():
    rng = np.random.default_rng(1)
    points, bases = 0.1 * rng.standard_normal((40, 3)), 0.02 * rng.standard_normal((40, 3, 2))
    targets = points + bases @ np.array([1.0, 1.0])
    sizes = [
        np.abs(
            robust_alignment(
                points, bases, np.broadcast_to(np.eye(3), (40, 3, 3)), targets, np.ones(40),
                np.full(2, ridge), (np.eye(3), np.zeros(3), np.zeros(2)), 0.1, 30,
            ).coefficients
        ).max()
        for ridge in (0, 0.01, 1.0)
    ]  # fmt: skip
    assert sizes[0] > 0.99 and sizes[0] > sizes[1] > sizes[2] and sizes[2] < 0.1


def test_weights_are_the_slope_of_the_loss():
    d, s, h = np.array([0.0, 0.003, 0.02]), 0.008, 1e-7
    loss = lambda x: s**2 * x**2 / (s**2 + x**2)  # noqa: E731
    slope = (loss(d + h) - loss(d - h)) / (2 * h)
    np.testing.assert_allclose(robust_weight(d, s) * 2 * d, slope, atol=1e-8)
