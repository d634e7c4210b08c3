"""Squares of footage: seen by a camera of their own, and read by index."""

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError
from mien_training.cameras.camera import Camera, look_at_camera, project
from mien_training.cameras.lens import Lens, camera_with_lens
from mien_training.footage.face_crop import FaceCrop, SourceFrames, read_crops


def test_a_crop_sees_what_the_whole_image_sees():
    camera = look_at_camera((0.2, 0.1, 1.0), (0, 0, 0), 0.5, 640, 480)
    part = FaceCrop(camera, 100.0, 50.0, 200.0).view(128)
    points = np.random.default_rng(0).normal(0, 0.05, (20, 3))
    whole, depth = project(camera, points)
    cut, depth_again = project(part, points)
    np.testing.assert_allclose((whole - [100, 50]) * 0.64, cut, atol=1e-9)
    np.testing.assert_allclose(depth, depth_again)


def test_a_crop_is_without_the_lens_of_its_camera():
    plain = look_at_camera((0, 0, 1.0), (0, 0, 0), 0.5, 64, 64)
    bent = Camera(plain.K, plain.camera_from_world, 64, 64, 0.1, 0.02)
    found = FaceCrop(bent, 0.0, 0.0, 64.0).view(32)
    assert (found.k1, found.k2) == (0.0, 0.0)
    np.testing.assert_allclose(found.K, plain.resized(32, 32).K)
    lens = camera_with_lens(plain, Lens(0.1, p1=0.01))
    assert type(FaceCrop(lens, 0.0, 0.0, 64.0).view(32)) is Camera


def test_metres_move_the_camera_and_nothing_else():
    crop = FaceCrop(look_at_camera((0, 0, 200.0), (0, 0, 0), 0.5, 64, 48), 3.0, 4.0, 20.0)
    source = SourceFrames("a.mp4", crop, np.arange(3), np.arange(3) / 30)
    found = source.in_metres(0.01).crop
    np.testing.assert_allclose(found.camera.centre, (0, 0, 2.0), atol=1e-9)
    assert (found.left, found.top, found.side) == (3.0, 4.0, 20.0)
    np.testing.assert_array_equal(found.camera.K, crop.camera.K)


@pytest.fixture
def grey_frames(tmp_path):
    """Five images, each of its own grey."""
    for number in range(5):
        Image.new("RGB", (64, 48), (10 * number + 20,) * 3).save(tmp_path / f"{number}.png")
    return tmp_path


def test_frames_are_read_by_their_index(grey_frames):
    crop = FaceCrop(look_at_camera((0, 0, 1.0), (0, 0, 0), 0.5, 64, 48), 40.0, 10.0, 48.0)
    images, times = read_crops(grey_frames, crop, (3, 1), 24)
    assert images.shape == (2, 24, 24, 3) and images[:, 12, 4, 0].tolist() == [30, 50]
    assert not images[:, :, 16:].any()  # beyond the border
    np.testing.assert_allclose(times, np.array([1, 3]) / 30)


def test_files_of_other_frames_are_refused(grey_frames):
    crop = FaceCrop(look_at_camera((0, 0, 1.0), (0, 0, 0), 0.5, 64, 48), 0.0, 0.0, 48.0)
    with pytest.raises(InputError, match="ends before frame 5"):
        read_crops(grey_frames, crop, (0, 5), 24)
    other = FaceCrop(crop.camera.resized(32, 24), 0.0, 0.0, 24.0)
    with pytest.raises(InputError, match="frames of 64 x 48, but its camera has 32 x 24"):
        read_crops(grey_frames, other, (0,), 24)
