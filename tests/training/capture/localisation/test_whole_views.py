"""Whole images as crops: everything is in them, where their cameras say."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera, project
from mien_training.capture.localisation.whole_views import whole_views


@pytest.mark.parametrize(
    ("width", "height", "k1"), [(160, 120, 0.0), (90, 150, 0.1), (160, 120, -0.1)]
)
def test_every_pixel_is_inside_and_where_it_belongs(width, height, k1):
    plain = look_at_camera((0.2, 0.1, 1), (0, 0, 0), 0.5, width, height)
    K = plain.K.copy()
    K[:2, 2] += (7, -5)
    camera = Camera(K, plain.camera_from_world, width, height, k1, 0.0)
    (crop,) = whole_views([camera], 64)
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.3, 0.3, (400, 3))
    pixels, _ = project(camera, points)
    seen = ((pixels > 0) & (pixels < (width, height))).all(1)
    through, _ = project(crop.camera, points[seen])
    assert seen.sum() > 50 and (through > -0.5).all() and (through < 64.5).all()
    assert np.abs(crop.source_pixels(through) - pixels[seen]).max() < 1e-4
    assert 0.4 < crop.inside <= 1 and crop.camera.k1 == 0
    # As large as it can be: some edge of the image reaches the crop's.
    grid = crop.covered()
    assert grid[:, :2].any() or grid[:, -2:].any() or grid[:2].any() or grid[-2:].any()


def test_a_side_too_small_is_refused():
    with pytest.raises(InputError, match="side 4"):
        whole_views([look_at_camera((0, 0, 1), (0, 0, 0), 0.5, 10, 10)], 4)
