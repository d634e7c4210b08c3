"""Lenses of eight terms: OpenCV's own projection, their inverse, and what is no lens."""

import cv2
import numpy as np
import pytest
from support.foreign_cameras import LENSES, PICTURES, random_cameras

from mien.errors import InputError
from mien_training.cameras.calibration import scaled
from mien_training.cameras.camera import Camera, look_at_camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.cameras.lens import Lens, LensCamera, camera_with_lens, folds, image_rays
from mien_training.cameras.undistort import lens_map, undistort

FIVE = LENSES["five"]
PLAIN = look_at_camera((0.1, 0.2, 1.0), (0, 0, 0), 0.6, 200, 160)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_it_projects_as_opencv_does(lens):
    camera = random_cameras(lens)[PICTURES[0]]
    inside = np.random.default_rng(1).normal(0, 0.2, (50, 3)) + (0, 0, 1)
    pose = camera.camera_from_world
    points = (inside - pose[:3, 3]) @ pose[:3, :3]
    K = camera.K.copy()
    K[:2, 2] -= 0.5
    terms = np.array([lens.k1, lens.k2, lens.p1, lens.p2, lens.k3, lens.k4, lens.k5, lens.k6])
    seen, _ = cv2.projectPoints(points, cv2.Rodrigues(pose[:3, :3])[0], pose[:3, 3], K, terms)
    np.testing.assert_allclose(project(camera, points)[0], seen[:, 0] + 0.5, atol=1e-6)


@pytest.mark.parametrize("lens", LENSES.values(), ids=LENSES)
def test_rays_of_the_image_end_where_they_should(lens):
    camera = random_cameras(lens)[PICTURES[1]]
    ends = camera.distorted(image_rays(camera, 7)) @ camera.K[:2, :2].T + camera.K[:2, 2]
    across, down = np.linspace(0, camera.width, 7), np.linspace(0, camera.height, 7)
    np.testing.assert_allclose(ends, np.stack(np.meshgrid(across, down), -1), atol=1e-5)


def test_radial_lenses_are_plain_cameras():
    found = camera_with_lens(PLAIN, Lens(0.1, -0.2))
    assert type(found) is Camera and (found.k1, found.k2) == (0.1, -0.2)
    bent = camera_with_lens(PLAIN, FIVE)
    assert isinstance(bent, LensCamera) and bent.distorts and not PLAIN.distorts
    with pytest.raises(InputError, match="k1 and k2 are not 0"):
        LensCamera(PLAIN.K, PLAIN.camera_from_world, 200, 160, 0.1, 0.0, FIVE)


def test_two_terms_of_eight_are_those_of_two():
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    two = camera_with_lens(PLAIN, Lens(-0.2, 0.1))
    eight = LensCamera(PLAIN.K, PLAIN.camera_from_world, 200, 160, lens=Lens(-0.2, 0.1))
    np.testing.assert_allclose(project(eight, points)[0], project(two, points)[0], atol=1e-10)


def test_the_lens_stays_with_its_camera():
    bent = camera_with_lens(PLAIN, FIVE)
    assert scaled(bent, 2.0).lens == FIVE and bent.resized(100, 80).lens == FIVE
    points = np.random.default_rng(0).normal(0, 0.1, (20, 3))
    small = project(bent.resized(100, 80), points)[0]
    np.testing.assert_allclose(small, project(bent, points)[0] / 2, atol=1e-9)


def test_undistorting_puts_points_where_a_pinhole_sees_them():
    strong = camera_with_lens(PLAIN, Lens(-0.4, 0.2, 0.03, -0.02, 0.1))
    point = np.array([[0.3, 0.05, 0.1]])
    (x, y), (u, v) = project(strong, point)[0][0], project(PLAIN, point)[0][0]
    assert np.hypot(x - u, y - v) > 1.0
    rows, columns = np.mgrid[:160, :200] + 0.5
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)
    image = np.repeat(spot[..., None], 3, 2).astype(np.uint8)
    straight = undistort(image, lens_map(strong)).astype(float)[..., 0]
    found = [(straight * g).sum() / straight.sum() for g in (columns, rows)]
    np.testing.assert_allclose(found, [u, v], atol=0.2)


def test_batches_take_undistorted_cameras_only():
    with pytest.raises(InputError, match="goes beyond k1 and k2"):
        CameraBatch.of([camera_with_lens(PLAIN, FIVE)])


def test_lenses_that_turn_back_within_the_image_fold():
    wide = look_at_camera((0, 0, 1.0), (0, 0, 0), 1.6, 200, 200)
    assert not folds(camera_with_lens(wide, Lens(-0.05)))
    for bad in (Lens(-0.5), Lens(k4=-1.0), Lens(k3=-0.9), Lens(p1=-0.9)):
        assert folds(camera_with_lens(wide, bad))
    assert not np.isfinite(image_rays(camera_with_lens(wide, Lens(-0.5)))).all()


def test_lists_of_opencv_are_checked():
    assert Lens.of_opencv((1, 2, 3, 4, 5), "D") == Lens(1, 2, 3, 4, 5)
    assert Lens.of_opencv((1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0), "D") == Lens(*range(1, 9))
    for bad in ((1,), (1, 2, 3), (0,) * 6, (0,) * 8 + (0.1, 0, 0, 0)):
        with pytest.raises(InputError, match=rf"D has {len(bad)} terms, expected 0, 4, 5 or 8"):
            Lens.of_opencv(bad, "D")
