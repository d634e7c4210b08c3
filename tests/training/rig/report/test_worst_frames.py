"""Half by points, half by colours, of one moment the worst."""

import numpy as np

from mien_training.rig.report.worst_frames import worst_frames

TIMES = np.arange(8) / 10
ONE = np.zeros(8, np.int64)


def test_points_first_then_colours():
    points = np.array([0, 0, 9, 8, 0, 0, 5, 0.0])
    colours = np.array([0, 7, 0, 0, 3, 0, 9, 0.0])
    found = worst_frames(points, colours, ONE, TIMES, 4)
    # Row 3 is of row 2's moment, and so is 1, however strange its colours; 6 is there already.
    assert found.tolist() == [2, 6, 4, 0]


def test_other_cameras_show_another_side_of_a_moment():
    camera = np.arange(8) % 2
    points = np.array([0, 0, 9, 8, 0, 0, 0, 0.0])
    assert worst_frames(points, 0 * points, camera, TIMES, 2).tolist()[0] == 2
    assert worst_frames(points, 0 * points, camera, TIMES, 4).tolist()[:2] == [2, 3]


def test_where_moments_are_few_their_frames_follow():
    points = np.array([1.0, 3.0, 2.0])
    found = worst_frames(points, points, ONE[:3], TIMES[:3] / 10, 10)
    assert found.tolist() == [1, 2, 0]
    assert worst_frames(points, points, ONE[:3], TIMES[:3] / 10, 2).tolist() == [1, 2]
