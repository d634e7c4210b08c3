"""The head fills the picture, upright and from the front."""

import numpy as np
import pytest
from support.rigs import sphere_rig

from mien.avatar.playback.portrait import portrait
from mien.errors import InputError

RIG = sphere_rig()


@pytest.mark.parametrize("size", [(400, 400), (300, 500), (500, 300)])
def test_the_head_fills_most_of_the_picture(size):
    camera = portrait(RIG, *size)
    at = RIG.vertices @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
    pixels = (at / at[:, 2:]) @ camera.K[:2].T
    low, high = pixels.min(0), pixels.max(0)
    assert (low > 0).all() and (high < size).all()
    assert ((high - low) / size).max() > 0.8
    assert pixels[RIG.vertices[:, 1].argmax(), 1] < pixels[RIG.vertices[:, 1].argmin(), 1]
    assert pixels[RIG.vertices[:, 0].argmax(), 0] > size[0] / 2


def test_no_pixels_and_no_angle():
    for size, angle in (((0, 4), 0.3), ((4, 4), 0.0), ((4, 4), 4.0)):
        with pytest.raises(InputError, match="portrait"):
            portrait(RIG, *size, angle)
    assert np.isfinite(portrait(RIG, 4, 4).K).all()
