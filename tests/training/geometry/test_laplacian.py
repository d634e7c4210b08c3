"""Edges come once each; the Laplacian is symmetric, semi-definite and blind to constants."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian

CUBE = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def test_a_cube_has_twelve_edges_and_no_diagonals():
    edges = mesh_edges(CUBE)
    assert edges.shape == (12, 2) and edges.dtype == np.int64
    assert (edges[:, 0] < edges[:, 1]).all()
    assert set(np.bitwise_xor(*edges.T)) == {1, 2, 4}


def test_a_padded_quad_is_a_triangle():
    triangles = np.array([[0, 1, 2], [2, 1, 3]])
    padded = np.concatenate([triangles, [[-1], [-1]]], 1)
    assert np.array_equal(mesh_edges(triangles), mesh_edges(padded))
    assert np.array_equal(mesh_edges(triangles), [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]])


def test_known_values_on_a_path():
    laplacian = uniform_laplacian([[0, 1], [2, 1]], 4)
    assert np.array_equal(
        laplacian.toarray(), [[1, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 1, 0], [0, 0, 0, 0]]
    )


def test_energy_is_the_sum_of_squared_differences_along_edges():
    edges = mesh_edges(CUBE)
    x = np.random.default_rng(0).standard_normal(8)
    laplacian = uniform_laplacian(edges, 8)
    assert x @ (laplacian @ x) == pytest.approx(((x[edges[:, 0]] - x[edges[:, 1]]) ** 2).sum())
    assert np.abs(laplacian @ np.ones(8)).max() == 0
    assert np.array_equal(laplacian.toarray(), laplacian.toarray().T)


def test_extra_edges_join_and_doubled_ones_count_once():
    edges = mesh_edges(CUBE)
    tied = uniform_laplacian(edges, 9, [[8, 0], [0, 8], [1, 0]])
    assert tied.toarray()[8].tolist() == [-1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert tied.toarray()[0, 0] == 4 and tied.toarray()[0, 1] == -1
    assert np.array_equal(
        uniform_laplacian(edges, 8, np.zeros((0, 2), int)).toarray(),
        uniform_laplacian(edges, 8).toarray(),
    )


@pytest.mark.parametrize(
    ("faces", "complaint"),
    [
        ([[0, 1]], "faces"),
        ([[0.0, 1.0, 2.0]], "faces"),
        ([[0, 1, 1]], "twice"),
        ([[0, 1, 2, 2]], "twice"),
        ([[0, -1, 2, 3]], "negative"),
        ([[0, 1, -1]], "negative"),
    ],
)
def test_bad_faces_are_named(faces, complaint):
    with pytest.raises(InputError, match=complaint):
        mesh_edges(np.array(faces))


@pytest.mark.parametrize(
    ("edges", "count", "extra", "complaint"),
    [
        ([[0, 4]], 4, None, r"edges: 0\.\.4, expected indices in 0\.\.3"),
        ([[0, 1]], 4, [[-1, 0]], "extra_edges"),
        ([[2, 2]], 4, None, "itself"),
        ([[0, 1, 2]], 4, None, "edges"),
        ([[0, 1]], 0, None, "count"),
    ],
)
def test_bad_edges_are_named(edges, count, extra, complaint):
    with pytest.raises(InputError, match=complaint):
        uniform_laplacian(edges, count, extra)
