"""Beards grow on jaw and chin, not on lips, and outwards."""

import numpy as np

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.capture.occluders.beards import grow_beard


def test_a_beard_grows_below_the_eyes_and_off_the_lips(anny, skin_of):
    beard = grow_beard(anny, anny.vertices, 0.02, (40, 30, 20), 3, strands=200)
    frame = FaceFrame.of(anny, anny.vertices)
    roots = anny.vertices[beard.root]
    assert not anny.regions["lips"][beard.root].any()
    assert (roots[:, 1] < frame.middle[1]).all()
    outside = skin_of(beard.vertices)
    assert (outside > -0.003).mean() > 0.95
    assert 0.003 < np.quantile(outside, 0.9) < 0.03


def test_long_beards_reach_farther(anny, skin_of):
    reach = [
        np.quantile(skin_of(grow_beard(anny, anny.vertices, m, (9, 9, 9), 3, 100).vertices), 0.9)
        for m in (0.008, 0.03)
    ]
    assert reach[1] > 2 * reach[0]
