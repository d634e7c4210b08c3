"""Masks of crops lie in the pictures where the crops do."""

import numpy as np
import pytest

from mien_training.cameras import Camera, look_at_camera, project
from mien_training.capture.localisation import crop_cameras
from mien_training.capture.source_masks import mask_in_source


@pytest.mark.parametrize(("width", "height"), [(160, 120), (1600, 1200)])
def test_a_spot_of_the_crop_is_a_spot_of_the_picture(width, height):
    plain = look_at_camera((0.3, 0.2, 1.2), (0, 0, 0), 0.6, width, height)
    camera = Camera(plain.K, plain.camera_from_world, width, height, 0.1, -0.02)
    centre = np.array([0.05, 0.1, -0.02])
    (crop,) = crop_cameras([camera], centre, 64)
    point = centre + [0.05, -0.04, 0.03]
    (x, y), _ = project(crop.camera, point)
    row, column = np.mgrid[:32, :32] + 0.5
    spot = (np.hypot(2 * column - x, 2 * row - y) < 8).astype(float)
    mask = mask_in_source(spot, crop)
    assert mask.shape == (height, width) and mask.any()
    middle = np.argwhere(mask).mean(0)[::-1] + 0.5
    seen, _ = project(camera, point)
    assert np.abs(middle - seen).max() < 0.012 * width
    (aside,) = crop_cameras([camera], centre + [5.0, 0, 0], 64)
    assert not mask_in_source(np.ones((32, 32)), aside).any()
    (behind,) = crop_cameras([camera], 2 * camera.centre, 64)  # the lens images none of it
    assert not mask_in_source(np.ones((32, 32)), behind).any()
    everything = mask_in_source(np.ones((32, 32)), crop)
    assert 0.1 < everything.mean() < 0.9 and not mask_in_source(np.zeros((32, 32)), crop).any()
