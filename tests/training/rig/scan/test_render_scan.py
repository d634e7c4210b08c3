"""A scan rendered: what lies behind every pixel."""

import numpy as np
import pytest

from mien_training.cameras.camera import look_at_camera, project
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.rig.scan.render_scan import render_scan

STILL = Alignment(np.eye(3), np.zeros(3))
CAMERA = look_at_camera(np.array([0.3, 0.2, 2.0]), np.zeros(3), 0.6, 80, 60)


@pytest.fixture(scope="module")
def square():
    """Two by two units, red and green, facing +z."""
    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float64) / 4
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 200, 0], [200, 0, 0]], np.uint8)
    return Scan("square", vertices, np.array([[0, 1, 2], [0, 2, 3]]), None, colours=colours)


def test_points_behind_pixels_project_to_them(square):
    picture = render_scan(square, STILL, CAMERA, samples=2)
    assert picture.points.shape == (120, 160, 3) and picture.image.shape == (60, 80, 3)
    row, column = np.nonzero(np.isfinite(picture.points[..., 0]))
    pixels, _ = project(CAMERA, picture.points[row, column])
    np.testing.assert_allclose(pixels, (np.stack([column, row], 1) + 0.5) / 2, atol=1e-3)
    np.testing.assert_allclose(picture.normals[row, column], [[0, 0, 1]] * len(row), atol=1e-6)


def test_pixels_are_answered_by_the_surface_under_them(square):
    picture = render_scan(square, STILL, CAMERA, samples=4)
    known = np.array([[0.0, 0.0, 0.0], [0.1, -0.2, 0.0]])
    pixels, _ = project(CAMERA, np.vstack([known, [[-3.0, 0.0, 0.0]]]))
    points, normals, there = picture.under(pixels)
    assert there.tolist() == [True, True, False]
    np.testing.assert_allclose(points[:2], known, atol=0.004)
    assert np.isclose(points[2, 0], -0.25, atol=0.01)  # the edge towards it
    np.testing.assert_allclose(normals, [[0, 0, 1]] * 3, atol=1e-6)


def test_unlit_it_shows_its_colours_and_moved_it_is_elsewhere(square):
    flat = render_scan(square, STILL, CAMERA, lit=False)
    middle = flat.image[30, 40].astype(int)
    np.testing.assert_allclose(middle, [100, 100, 0], atol=12)
    lit = render_scan(square, STILL, CAMERA)
    assert (lit.image[30, 40] < middle + 1)[:2].all()
    aside = render_scan(square, Alignment(np.eye(3), np.array([0.9, 0.0, 0.0])), CAMERA)
    assert not np.isfinite(aside.points[30, 40]).any()
    assert (aside.image[30, 40] == 120).all()


def test_units_do_not_matter(square):
    large = Scan("large", 1000 * square.vertices, square.triangles, None, colours=square.colours)
    mine = render_scan(large, Alignment(np.eye(3), np.zeros(3), 0.001), CAMERA)
    np.testing.assert_array_equal(mine.image, render_scan(square, STILL, CAMERA).image)
