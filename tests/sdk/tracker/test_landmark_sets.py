"""The sets that the runtime reads are of points that there are, and mirror each other."""

import numpy as np
import pytest

from mien.tracker import landmark_sets as sets
from mien.tracker.canonical import canonical_vertices


@pytest.mark.parametrize("points", [sets.RIGID_POINTS, sets.POSE_POINTS, sets.BLENDSHAPE_POINTS])
def test_each_point_is_named_once(points):
    assert len(np.unique(points)) == len(points)
    assert points.min() >= 0 and points.max() < sets.LANDMARK_COUNT
    assert set(sets.RIGID_POINTS) <= set(sets.POSE_POINTS)


def test_corners_of_the_eyes_go_from_the_images_left_to_its_right():
    x = canonical_vertices()[:, 0]  # towards the person's left: the image's right
    for side, sign in (("Left", 1), ("Right", -1)):
        first, last = sets.EYE_CORNERS[side]
        assert x[first] < x[last] and sign * x[first] > 0 and sign * x[last] > 0
