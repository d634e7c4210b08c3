"""Distances are a cube's, and a point is on the triangle that it is said to be on."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.nearest_surface import nearest_on_surface


def cube():
    """Of half side 1; outward counter-clockwise."""
    vertices = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return vertices, np.array([t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])])


def exact(points):
    outside = np.linalg.norm(np.maximum(np.abs(points) - 1, 0), axis=1)
    return np.where(outside > 0, outside, 1 - np.abs(points).max(1))


def test_distances_are_a_cubes():
    points = np.random.default_rng(0).uniform(-2.5, 2.5, (400, 3))
    hit = nearest_on_surface(*cube(), points)
    np.testing.assert_allclose(hit.distance, exact(points), atol=2e-6)
    np.testing.assert_allclose(
        np.linalg.norm(hit.positions - points, axis=1), hit.distance, atol=1e-12
    )
    np.testing.assert_allclose(np.abs(hit.positions).max(1), 1, atol=1e-6)


def test_the_point_lies_on_its_triangle():
    vertices, triangles = cube()
    points = np.random.default_rng(1).uniform(-2, 2, (100, 3))
    hit = nearest_on_surface(vertices, triangles, points)
    corners = vertices[triangles[hit.triangle]]
    weights = np.linalg.solve(corners.transpose(0, 2, 1), hit.positions[..., None])[..., 0]
    assert weights.min() > -1e-5
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(hit.barycentric, weights, atol=1e-5)


def test_a_far_and_small_cube_is_as_exact():
    vertices, triangles = cube()
    points = np.random.default_rng(2).uniform(-2, 2, (100, 3))
    there = nearest_on_surface(0.01 * vertices + 30, triangles, 0.01 * points + 30)
    np.testing.assert_allclose(100 * there.distance, exact(points), atol=1e-5)


def test_only_triangles_count():
    vertices, triangles = cube()
    # A vertex of no triangle, a triangle without area, and points a long way off.
    vertices = np.concatenate([vertices, [[3.0, 0, 0]]])
    triangles = np.concatenate([triangles, [[0, 0, 1], [0, 1, 1]]])
    hit = nearest_on_surface(vertices, triangles, [[3.0, 0, 0], [0, 500, 0], [-1, -1, -1]])
    np.testing.assert_allclose(hit.distance, [2, 499, 0], rtol=1e-6, atol=1e-6)


def test_no_points_have_no_answers():
    assert nearest_on_surface(*cube(), np.zeros((0, 3))).positions.shape == (0, 3)


@pytest.mark.parametrize(
    ("triangles", "points", "complaint"),
    [
        ([[0, 1, 2]], [[0.0, 0.0]], "points"),
        ([[0, 1, 2]], [[0.0, np.nan, 0.0]], "finite"),
        ([[0, 1, 9]], [[0.0, 0.0, 0.0]], "triangles"),
        (np.zeros((0, 3), int), [[0.0, 0.0, 0.0]], "at least one"),
    ],
)
def test_bad_input_is_named(triangles, points, complaint):
    with pytest.raises(InputError, match=complaint):
        nearest_on_surface(np.eye(3), triangles, points)
