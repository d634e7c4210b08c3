"""Edges, pieces and rims of small meshes."""

import numpy as np

from mien_training.avatar.anchors.layout.topology import (
    components,
    neighbour_edges,
    rims,
    welded_corners,
)

SQUARE = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def test_a_square_has_one_inner_edge_and_one_rim():
    edges = neighbour_edges(SQUARE)
    assert edges.tolist() == [[0, 2, 1, 0]]
    corners = welded_corners(2, edges)
    assert corners.max() == 3
    (loop,) = rims(corners)
    assert len(loop) == 4
    assert components(2, edges).tolist() == [0, 0]


def test_triangles_that_touch_at_a_vertex_are_two_pieces():
    triangles = np.array([[0, 1, 2], [0, 3, 4]], np.int32)
    edges = neighbour_edges(triangles)
    assert not len(edges)
    assert len(set(components(2, edges))) == 2
    assert welded_corners(2, edges).max() == 5  # the vertex is two


def test_edges_of_three_triangles_and_turned_neighbours_join_nothing():
    fin = np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]], np.int32)
    assert not len(neighbour_edges(fin))
    turned = np.array([[0, 1, 2], [0, 3, 2]], np.int32)
    assert not len(neighbour_edges(turned[:, ::1])) or neighbour_edges(turned).shape[1] == 4


def test_a_cup_with_a_hole_has_two_rims(cup):
    _, triangles = cup
    corners = welded_corners(len(triangles), neighbour_edges(triangles))
    assert sorted(map(len, rims(corners)))[-1] == 24
    assert len(rims(corners)) == 2
