"""Weights put points back where they were."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.barycentric import barycentric_weights


def test_points_of_triangles_come_back():
    rng = np.random.default_rng(0)
    corners = rng.standard_normal((30, 3, 3))
    weights = rng.dirichlet((1, 1, 1), 30)
    points = np.einsum("nc,ncx->nx", weights, corners)
    np.testing.assert_allclose(barycentric_weights(corners, points), weights, atol=1e-9)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    np.testing.assert_allclose(barycentric_weights(corners, points + normal), weights, atol=1e-9)


def test_triangles_without_area_and_wrong_shapes():
    line = np.array([[[0, 0, 0], [1, 0, 0], [2, 0, 0]]])
    np.testing.assert_allclose(barycentric_weights(line, [[1, 0, 0]]), 1 / 3)
    with pytest.raises(InputError, match="corners"):
        barycentric_weights(np.zeros((4, 3, 3)), np.zeros((3, 3)))
