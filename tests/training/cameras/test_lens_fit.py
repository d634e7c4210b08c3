"""k1 and k2 in place of more terms: exact where they say it all, and honest about the rest."""

import numpy as np
import pytest

from mien_training.cameras.camera import Camera, look_at_camera, project
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens, image_rays
from mien_training.cameras.lens_fit import radial_fit

PLAIN = look_at_camera((0, 0, 1.0), (0, 0, 0), 0.6, 640, 480)


def test_two_terms_come_back():
    two = Lens(-0.2, 0.08)
    eight = LensCamera(PLAIN.K, PLAIN.camera_from_world, 640, 480, lens=two)
    fitted, apart_px = radial_fit(eight)
    assert type(fitted) is Camera and apart_px < 1e-6
    np.testing.assert_allclose((fitted.k1, fitted.k2), (two.k1, two.k2), atol=1e-6)


@pytest.mark.parametrize("lens", [Lens(-0.2, 0.08, k3=0.02), Lens(-0.2, 0.1, 0.002, 0.001)])
def test_the_distance_told_is_the_largest_in_the_image(lens):
    camera = camera_with_lens(PLAIN, lens)
    fitted, apart_px = radial_fit(camera)
    rays = image_rays(camera, 60).reshape(-1, 2)
    points = np.c_[rays, np.ones(len(rays))] * 0.7
    pose = PLAIN.camera_from_world
    points = (points - pose[:3, 3]) @ pose[:3, :3]
    gap = np.linalg.norm(project(fitted, points)[0] - project(camera, points)[0], axis=1)
    assert gap.max() == pytest.approx(apart_px, rel=0.02)


def test_small_higher_terms_are_taken_up_and_large_ones_not():
    assert radial_fit(camera_with_lens(PLAIN, Lens(-0.2, 0.08, k3=0.05)))[1] < 0.1
    assert radial_fit(camera_with_lens(PLAIN, Lens(-0.2, 0.08, 0.01)))[1] > 1
    wide = look_at_camera((0, 0, 1.0), (0, 0, 0), 1.9, 200, 200)
    assert radial_fit(camera_with_lens(wide, Lens(-0.5, p1=1e-4)))[1] == np.inf
