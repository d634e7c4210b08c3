"""What a wall hides is hidden, and nothing else."""

import numpy as np
import pytest

from mien_training.cameras import look_at_camera
from mien_training.synthetic.capture.line_of_sight import LinesOfSight


def wall(z, x_from, x_to):
    """A square across the view at depth z."""
    points = [(x, y, z) for x in (x_from, x_to) for y in (-1.0, 1.0)]
    return np.array(points, np.float32), np.array([(0, 1, 2), (1, 3, 2)], np.int32)


@pytest.fixture
def camera():
    return look_at_camera((0, 0, 2), (0, 0, 0), 0.8, 64, 64)


@pytest.fixture
def points():
    x = np.linspace(-0.5, 0.5, 11)
    return np.stack([x, 0 * x + 0.013, 0 * x], 1).astype(np.float32)


TOWARDS = np.array([[0.0, 0.0, 1.0]], np.float32)


def test_a_surface_does_not_hide_itself_and_half_a_wall_hides_half(camera, points):
    floor = wall(0.0, -1.0, 1.0)
    normals = np.repeat(TOWARDS, len(points), 0)
    assert LinesOfSight(*floor).seen(points, normals, camera).all()
    half = wall(1.0, -1.0, 0.0)
    both = np.concatenate([floor[0], half[0]]), np.concatenate([floor[1], half[1] + 4])
    # On straight lines to a camera over the middle, the wall's edge hides what is left of it.
    expected = points[:, 0] > 0
    found = LinesOfSight(*both).seen(points, normals, camera)
    np.testing.assert_array_equal(found[points[:, 0] != 0], expected[points[:, 0] != 0])


def test_what_lies_behind_the_camera_hides_nothing(camera, points):
    normals = np.repeat(TOWARDS, len(points), 0)
    assert LinesOfSight(*wall(2.5, -1.0, 1.0)).seen(points, normals, camera).all()


def test_what_faces_away_or_lies_outside_the_image_is_not_seen(camera, points):
    sight = LinesOfSight(*wall(-0.5, -1.0, 1.0))
    assert not sight.seen(points, np.repeat(-TOWARDS, len(points), 0), camera).any()
    aside = points + np.array([3.0, 0, 0], np.float32)
    assert not sight.seen(aside, np.repeat(TOWARDS, len(points), 0), camera).any()
    assert len(sight.seen(points[:0], points[:0], camera)) == 0
