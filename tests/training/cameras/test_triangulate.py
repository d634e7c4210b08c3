"""Points of several images are found in space."""

import numpy as np
import pytest

from mien_training.cameras.camera import look_at_camera, project
from mien_training.cameras.triangulate import triangulate


@pytest.fixture(scope="module")
def setting():
    places = np.random.default_rng(4).normal(0, 0.1, (30, 3))
    cameras = [
        look_at_camera(np.array([x, 0.05, 0.8]), np.zeros(3), 0.4, 400, 300) for x in (-0.2, 0.3)
    ]
    return cameras, places, np.stack([project(c, places)[0] for c in cameras])


def test_points_are_found_where_they_are(setting):
    cameras, places, pixels = setting
    np.testing.assert_allclose(triangulate(cameras, pixels), places, atol=1e-6)


def test_a_point_of_one_camera_is_nowhere(setting):
    cameras, _, pixels = setting
    pixels = pixels.copy()
    pixels[0, 5] = np.nan
    points = triangulate(cameras, pixels)
    assert np.isnan(points[5]).all() and np.isfinite(points[6]).all()
