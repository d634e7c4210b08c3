"""Distances are a ball's; the inside survives holes and overlaps."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.signed_distance import signed_distance


def test_closed_open_and_cut_balls(ball, joined):
    vertices, triangles = ball(24)
    points = np.random.default_rng(0).uniform(-1.3, 1.3, (500, 3))
    exact = np.linalg.norm(points, axis=1) - 1
    assert np.abs(signed_distance(vertices, triangles, points) - exact).max() < 0.02
    # A hole at the lower pole, as at a neck: still an inside, away from the hole.
    kept = vertices[triangles].mean(1)[:, 1] > -0.8
    apart = (points[:, 1] > -0.3) & (np.abs(exact) > 0.05)
    sign = np.sign(signed_distance(vertices, triangles[kept], points))
    assert np.array_equal(sign[apart], np.sign(exact[apart]))
    # Where two balls overlap is inside, too.
    both = joined((vertices, triangles), ball(24, (0.5, 0, 0)))
    assert (signed_distance(*both, [[0.25, 0, 0], [1.4, 0, 0], [-0.9, 0, 0]]) < 0).all()


def test_a_far_and_small_ball_is_as_exact(ball):
    vertices, triangles = ball(24)
    points = np.random.default_rng(0).uniform(-1.3, 1.3, (200, 3))
    here = signed_distance(vertices, triangles, points)
    there = signed_distance(1e-2 * vertices + 50, triangles, 1e-2 * points + 50)
    assert np.abs(100 * there - here).max() < 1e-4


@pytest.mark.parametrize(
    ("triangles", "points", "complaint"),
    [
        ([[0, 1, 2]], [[0.0, 0.0]], "points"),
        ([[0, 1, 9]], [[0.0, 0.0, 0.0]], "triangles"),
        (np.zeros((0, 3), int), [[0.0, 0.0, 0.0]], "triangles"),
    ],
)
def test_bad_input_is_named(triangles, points, complaint):
    with pytest.raises(InputError, match=complaint):
        signed_distance(np.eye(3), triangles, points)
