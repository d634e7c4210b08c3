"""A body is below the neck, wider than it, and leaves all above alone."""

import numpy as np

from mien_training.synthetic.avatar.shoulders import draw_shoulders

WALL = np.full((80, 80, 3), 100, np.uint8)
CLOTH = np.full((80, 80, 3), 20, np.uint8)
NECK = np.array([[32.0, 50.0], [48.0, 50.0]])


def body(seed, wall=WALL):
    rng = np.random.default_rng(seed)
    return draw_shoulders(rng, wall, NECK, 40.0, np.array([180.0, 130, 110]), CLOTH)


def test_it_is_below_the_neck_and_widens():
    for seed in range(6):
        there = (body(seed) != WALL).any(2)
        assert not there[:47].any()
        widths = there.sum(1)
        assert 12 <= widths[52] <= 70 and widths[-1] > 1.5 * 16
        assert there[52:, 40].mean() > 0.95


def test_skin_above_cloth():
    image = body(1).astype(float)
    assert image[49, 40, 0] > 100 > image[-1, 40, 0]


def test_what_is_behind_does_not_shine_through():
    other = np.full_like(WALL, 240)
    same = (body(2) == body(2, other)).all(2)
    assert same[60:, 40].all() and not same[:47].any()
