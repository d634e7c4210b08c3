"""The middle of skin masks in space, whatever one broken view says."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import look_at_camera, project
from mien_training.capture.localisation.head_centre import head_centre, rig_up

PLACE = np.array([0.1, 1.4, 0.2])


def rig(count=5, up=(0.0, 1.0, 0.0)):
    turns = np.linspace(-0.9, 0.9, count)
    eyes = [PLACE + [1.1 * np.sin(t), 0.1, 1.1 * np.cos(t)] for t in turns]
    return [look_at_camera(eye, PLACE + [0.05, 0, 0], 0.6, 120, 90, up) for eye in eyes]


def masks(cameras):
    found = []
    for camera in cameras:
        (x, y), _ = project(camera, PLACE)
        row, column = np.mgrid[:45, :60] + 0.5
        found.append((np.hypot(2 * column - x, 2 * row - y) < 14).astype(np.float32))
    return found


def test_the_middle_lies_a_little_behind_what_is_seen():
    cameras = rig()
    found = head_centre(cameras, masks(cameras))
    behind = found - PLACE
    assert abs(np.linalg.norm(behind) - 0.06) < 0.01
    assert behind @ (PLACE - np.mean([c.centre for c in cameras], 0)) > 0


def test_a_broken_view_has_no_say():
    cameras = rig()
    shown = masks(cameras)
    right = head_centre(cameras, shown)
    shown[1] = np.roll(shown[1], 18, 1)
    assert np.linalg.norm(head_centre(cameras, shown) - right) < 0.02


def test_order_changes_nothing():
    cameras = rig()
    shown = masks(cameras)
    again = head_centre(cameras[::-1], shown[::-1])
    np.testing.assert_allclose(head_centre(cameras, shown), again, atol=1e-9)


def test_one_camera_that_sees_skin_is_not_enough():
    cameras = rig(3)
    shown = [m * (n == 0) for n, m in enumerate(masks(cameras))]
    with pytest.raises(InputError, match="1 of 3 cameras see skin"):
        head_centre(cameras, shown)


def test_up_is_up_and_the_other_ways_follow():
    up, one, other, down = rig_up(rig())
    assert up[1] > 0.95 and down[1] < -0.95
    assert abs(one[1]) < 0.3 and one @ other == pytest.approx(-1)
    assert up @ one == pytest.approx(0, abs=1e-9)
    lying = rig_up(rig(up=(1.0, 0.0, 0.0)))
    assert any(way[1] > 0.95 for way in lying[1:3])
