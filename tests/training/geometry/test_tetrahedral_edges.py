"""Interior edges run inside only, under the surface's own indices, never between contact pairs."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from mien.errors import InputError
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.geometry.tetrahedral_edges import tetrahedral_edges
from mien_training.templates.contact_pairs import ContactPair, contact_pairs

SPACING_M = 0.012


@pytest.fixture(scope="module")
def head(anny):
    """The default head's contact pairs; its interior edges with and without them."""
    pairs = contact_pairs(anny)
    free = tetrahedral_edges(anny.vertices, anny.triangles, SPACING_M)
    tied = tetrahedral_edges(anny.vertices, anny.triangles, SPACING_M, pairs)
    return pairs, free, tied


def joining(ties, pair):
    """(E,) which interior edges between surface vertices join the two sets."""
    edges = ties.edges[(ties.edges < ties.surface_count).all(1)]
    i, j = edges.T
    return (pair.first[i] & pair.second[j]) | (pair.first[j] & pair.second[i])


def volume(nodes, cells):
    a, b, c, d = (nodes[cells[:, k]] for k in range(4))
    return np.abs(np.einsum("tx,tx->t", np.cross(b - a, c - a), d - a)).sum() / 6


def test_a_ball_is_filled(ball):
    vertices, triangles = ball(16)
    ties = tetrahedral_edges(vertices, triangles, 0.25)
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    enclosed = np.einsum("tx,tx->t", np.cross(a, b), c).sum() / 6
    assert volume(ties.nodes, ties.tetrahedra) == pytest.approx(enclosed, rel=0.01)
    assert np.linalg.norm(ties.nodes[len(vertices) :], axis=1).max() < 1 - 0.1
    assert len(ties.nodes) - len(vertices) > 100


def test_surface_ids_are_unchanged_and_edges_are_new(anny, head):
    ties = head[2]
    n = len(anny.vertices)
    assert ties.surface_count == n
    assert np.array_equal(ties.nodes[:n], anny.vertices.astype(np.float64))
    assert (ties.edges[:, 0] < ties.edges[:, 1]).all() and ties.edges.max() < len(ties.nodes)
    both = np.concatenate([ties.edges, mesh_edges(anny.triangles)])
    assert len(np.unique(both, axis=0)) == len(both)


@pytest.mark.parametrize("which", [1, 2])
def test_every_surface_vertex_has_a_tie(anny, head, which):
    tied = np.unique(head[which].edges)
    assert np.array_equal(tied, np.arange(len(head[which].nodes)))


def test_all_nodes_make_one_piece(anny, head):
    edges = mesh_edges(anny.triangles)
    laplacian = uniform_laplacian(edges, len(head[2].nodes), head[2].edges)
    with_ties, _ = connected_components(laplacian, directed=False)
    without, _ = connected_components(uniform_laplacian(edges, len(anny.vertices)), directed=False)
    assert without > 30
    assert with_ties <= 4  # the skin with its mouth; eyeballs must stay loose


def test_contact_pairs_are_not_joined_and_would_be(head):
    pairs, free, tied = head
    for pair in pairs:
        assert not joining(tied, pair).any(), pair.name
        cells = np.where(tied.tetrahedra < tied.surface_count, tied.tetrahedra, -1)
        sides = [(mask[cells] & (cells >= 0)).any(1) for mask in (pair.first, pair.second)]
        assert not (sides[0] & sides[1]).any(), pair.name
        assert joining(free, pair).sum() > 20, pair.name
    assert len(tied.edges) > 0.9 * len(free.edges)


def test_the_rules_let_the_mouth_open_cheaply(anny, head):
    jaw = anny.shape_deltas[anny.shape_names.index("jawOpen")].astype(np.float64)
    n = len(jaw)

    def energy(ties):
        edges = mesh_edges(anny.triangles)
        laplacian = uniform_laplacian(edges, len(ties.nodes), ties.edges).tocsc()
        pull = laplacian[n:][:, :n] @ jaw
        inside = -splu(laplacian[n:][:, n:].tocsc()).solve(pull)  # follows at the least cost
        full = np.concatenate([jaw, inside])
        return (full * (laplacian @ full)).sum()

    _, free, tied = head
    assert energy(free) > 2 * energy(tied)  # measured: 3.1 times


def test_motions_cut_the_ties_that_they_would_tear(anny, head):
    jaw = anny.shape_deltas[[anny.shape_names.index("jawOpen")]]
    cut = tetrahedral_edges(anny.vertices, anny.triangles, SPACING_M, motions=jaw)
    # The shape alone finds the lips and the teeth, without the sets.
    for pair in head[0]:
        if pair.name in ("lips", "teeth"):
            assert not joining(cut, pair).any()
    i, j = cut.edges[(cut.edges < cut.surface_count).all(1)].T
    length = np.linalg.norm(anny.vertices[i] - anny.vertices[j], axis=1)
    assert (np.linalg.norm(jaw[0, i] - jaw[0, j], axis=1) <= 1.001 * length).all()
    assert np.array_equal(np.unique(cut.edges), np.arange(len(cut.nodes)))


def test_the_same_input_gives_the_same_ties(anny, head):
    again = tetrahedral_edges(anny.vertices, anny.triangles, SPACING_M, head[0])
    assert np.array_equal(again.edges, head[2].edges)
    assert np.array_equal(again.nodes, head[2].nodes)


def test_two_plates_across_a_slit(ball, joined):
    """Air is not joined, overlap is, but for contact pairs; every vertex keeps an edge."""
    upper, lower = ball(10, (0, 1.005, 0)), ball(10, (0, -1.005, 0))
    crossing = ball(10, (0, -0.95, 0))
    n = len(upper[0])
    pair = ContactPair("plates", np.arange(2 * n) < n, np.arange(2 * n) >= n)
    assert not joining(tetrahedral_edges(*joined(upper, lower), 0.3), pair).any()
    assert joining(tetrahedral_edges(*joined(upper, crossing), 0.3), pair).any()
    parted = tetrahedral_edges(*joined(upper, crossing), 0.3, [pair])
    assert not joining(parted, pair).any()
    assert np.isin(np.arange(2 * n), parted.edges).all()


def test_vertices_of_no_triangle_stay_loose(ball, joined):
    vertices, triangles = joined(ball(10), ball(10, (0, 0, 3)))
    half = len(vertices) // 2
    ties = tetrahedral_edges(vertices, triangles[: len(triangles) // 2], 0.3)
    assert len(ties.nodes) > len(vertices) == ties.surface_count
    assert not ((ties.edges >= half) & (ties.edges < len(vertices))).any()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"spacing": 0.0}, "spacing"),
        ({"spacing": 1e-4}, "spacing"),
        ({"triangles": np.zeros((0, 3), int)}, "solid"),
        ({"vertices": np.zeros((1, 3))}, "triangles"),
        ({"motions": np.zeros((2, 5, 3))}, "motions"),
        ({"stretch_limit": 0.0}, "stretch_limit"),
        ({"contact_pairs": [ContactPair("x", np.zeros(3, bool), np.zeros(3, bool))]}, "'x'"),
    ],
)
def test_bad_input_is_named(ball, change, complaint):
    vertices, triangles = ball(6)
    with pytest.raises(InputError, match=complaint):
        tetrahedral_edges(
            **({"vertices": vertices, "triangles": triangles, "spacing": 0.3} | change)
        )


def test_a_plane_is_no_solid(ball):
    vertices, triangles = ball(6)
    with pytest.raises(InputError, match="plane"):
        tetrahedral_edges(vertices * [1, 1, 0], triangles, 0.3)
