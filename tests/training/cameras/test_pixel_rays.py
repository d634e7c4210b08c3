"""Rays of pixels lead to the points that these pixels see, whatever the lens."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.cameras.pixel_rays import fold_radius, pixel_rays, undistorted_points


def bent(k1, k2):
    plain = look_at_camera((0.3, 0.2, 1.0), (0, 0, 0), 0.7, 320, 200)
    return Camera(plain.K, plain.camera_from_world, 320, 200, k1, k2)


@pytest.mark.parametrize(("k1", "k2"), [(0, 0), (0.2, 0), (-0.25, 0.05), (0.1, -0.08)])
def test_projection_round_trips(k1, k2):
    camera = bent(k1, k2)
    points = np.random.default_rng(0).uniform(-0.2, 0.2, (50, 3))
    pixels, _ = project(camera, points)
    rays = pixel_rays(camera, pixels)
    np.testing.assert_allclose(np.linalg.norm(rays, axis=1), 1)
    off = points - camera.centre
    np.testing.assert_allclose(off - (off * rays).sum(1, keepdims=True) * rays, 0, atol=1e-10)
    assert ((off * rays).sum(1) > 0).all()
    back, _ = project(camera, camera.centre + 2 * rays)
    assert np.abs(back - pixels).max() < 1e-8  # pixels
    far = pixel_rays(camera, pixels.reshape(5, 10, 2))
    np.testing.assert_array_equal(far.reshape(-1, 3), rays)


def test_what_no_lens_images_has_no_ray():
    camera = bent(-0.5, 0.0)
    limit = fold_radius(camera)
    assert limit == pytest.approx(np.sqrt(1 / 1.5))
    assert fold_radius(bent(0.1, 0.0)) == np.inf
    most = camera.K[0, 0] * limit * (1 - 0.5 * limit**2)
    at = camera.K[:2, 2] + [[0.99 * most, 0], [1.01 * most, 0]]
    found = undistorted_points(camera, at)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()
    with pytest.raises(InputError, match="pixels"):
        undistorted_points(camera, np.zeros((4, 3)))
