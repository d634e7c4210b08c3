"""Tubes have their radius, grids close, joined meshes keep their triangles."""

import numpy as np

from mien_training.synthetic.capture.occluders.sheets import grid_triangles, joined, tube


def test_a_tube_keeps_its_distance_from_its_path():
    t = np.linspace(0, 1, 9)
    path = np.stack([t, t**2, 0 * t], 1)
    points, triangles = tube(path, 0.1 + 0.05 * t, 8)
    away = np.linalg.norm(points.reshape(9, 8, 3) - path[:, None], axis=2)
    np.testing.assert_allclose(away, np.repeat((0.1 + 0.05 * t)[:, None], 8, 1))
    assert len(triangles) == 2 * 8 * 8 and set(triangles.ravel()) == set(range(72))


def test_a_closed_grid_has_no_seam():
    closed, opened = grid_triangles(3, 4, True), grid_triangles(3, 4, False)
    assert len(closed) == 2 * 2 * 4 and len(opened) == 2 * 2 * 3
    edges = np.sort(np.concatenate([closed[:, (0, 1)], closed[:, (1, 2)], closed[:, (2, 0)]]), 1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    assert (count == 1).sum() == 2 * 4  # the two rims alone


def test_triangles_face_where_they_say():
    columns, rows = np.meshgrid(np.arange(3.0), np.arange(2.0))
    points = np.stack([columns, rows, 0 * rows], -1).reshape(-1, 3)
    corners = points[grid_triangles(2, 3, False)]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normal[:, 2] > 0).all()


def test_joined_meshes_keep_their_corners():
    one, two = tube(np.eye(3), np.ones(3), 4), tube(2 * np.eye(3), np.ones(3), 5)
    points, triangles = joined([one, two])
    np.testing.assert_array_equal(points[triangles[: len(one[1])]], one[0][one[1]])
    np.testing.assert_array_equal(points[triangles[len(one[1]) :]], two[0][two[1]])
