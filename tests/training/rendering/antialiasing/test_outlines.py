"""Outlines are found where triangles lie on one side, between the pixels they run between."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.rendering.antialiasing.outlines import EdgeTopology, find_outlines

SIZE = (12, 16)


def square(left, right, top=2.0, bottom=9.0, depth=1.0):
    """Two triangles with one common edge; corners in pixels, and how far away."""
    xy = torch.tensor(
        [(left, top), (right, top), (right, bottom), (left, bottom)], dtype=torch.float64
    )
    return xy, torch.full((4,), depth, dtype=torch.float64)


FACES = np.array([(0, 1, 2), (0, 2, 3)])


def depth_of(left, right, top=2.0, bottom=9.0, near=1.0, far=torch.inf):
    """(H * W,) of an image of that square before something else."""
    y, x = torch.meshgrid(*(torch.arange(n) + 0.5 for n in SIZE), indexing="ij")
    inside = (x > left) & (x < right) & (y > top) & (y < bottom)
    return torch.where(inside, near, far).double().flatten()


def test_the_border_of_a_square_is_found_and_its_diagonal_is_not():
    left, right = 3.7, 11.2
    xy, w = square(left, right)
    pairs = find_outlines(xy, w, depth_of(left, right), EdgeTopology.of(FACES), SIZE)
    axis, first = pairs.name % 2, pairs.name // 2
    x, y = first % SIZE[1], first // SIZE[1]
    rows = axis == 0
    # Centres 3.5 | 4.5 at the left border, 10.5 | 11.5 at the right one, in rows 2 .. 8.
    assert sorted(set(x[rows].tolist())) == [3, 10]
    assert sorted(set(y[rows].tolist())) == list(range(2, 9)) and rows.sum() == 14
    assert sorted(set(y[~rows].tolist())) == [1, 8] and (~rows).sum() == 14
    at_left = rows & (x == 3)
    assert (pairs.near[at_left] == first[at_left] + 1).all()
    assert (pairs.far[at_left] == first[at_left]).all()
    torch.testing.assert_close(pairs.reach[at_left], torch.full((7,), 0.8).double())
    at_right = rows & (x == 10)
    assert (pairs.near[at_right] == first[at_right]).all()
    torch.testing.assert_close(pairs.reach[at_right], torch.full((7,), 0.7).double())
    torch.testing.assert_close(pairs.weight, torch.ones_like(pairs.weight))


@pytest.mark.parametrize("shift", [0.0, 0.13, 0.5, 0.87])
def test_reaches_move_with_the_outline(shift):
    left, right = 3.2 + shift, 11.1
    xy, w = square(left, right)
    xy.requires_grad_(True)
    pairs = find_outlines(xy, w, depth_of(left, right), EdgeTopology.of(FACES), SIZE)
    first = pairs.name // 2 % SIZE[1]
    at_left = (pairs.name % 2 == 0) & (first < 6)
    pairs.reach[at_left].sum().backward()
    # Each of seven rows: a pixel to the left is a pixel farther into the far one.
    assert xy.grad[[0, 3], 0].sum() == pytest.approx(-7)
    assert xy.grad[[1, 2], 0].abs().max() == pytest.approx(0)


def test_weights_of_rows_and_columns_share_a_slanted_outline():
    xy = torch.tensor([(2.0, 10.0), (12.0, 2.0), (12.0, 10.0)]).double()
    y, x = torch.meshgrid(*(torch.arange(n) + 0.5 for n in SIZE), indexing="ij")
    inside = (x < 12) & (y < 10) & (0.8 * (x - 2) + (y - 10) > 0)
    depth = torch.where(inside, 1.0, torch.inf).double().flatten()
    pairs = find_outlines(xy, torch.ones(3).double(), depth, EdgeTopology.of([(0, 1, 2)]), SIZE)
    slanted = pairs.weight < 1
    for axis, share in ((0, 0.8**2), (1, 1.0)):
        chosen = slanted & (pairs.name % 2 == axis)
        assert chosen.any()
        expected = torch.full((int(chosen.sum()),), share / (1 + 0.8**2)).double()
        torch.testing.assert_close(pairs.weight[chosen], expected)


def test_what_lies_before_an_outline_hides_it():
    left, right = 3.7, 11.2
    xy, w = square(left, right)
    hidden = depth_of(left, right, near=0.5, far=0.5)
    assert not len(find_outlines(xy, w, hidden, EdgeTopology.of(FACES), SIZE).name)
    behind = depth_of(left, right, far=3.0)
    assert len(find_outlines(xy, w, behind, EdgeTopology.of(FACES), SIZE).name) == 28


def test_of_two_outlines_between_the_same_pixels_the_nearer_counts():
    xy_near, w_near = square(3.7, 11.2, depth=1.0)
    xy_far, w_far = square(3.9, 11.2, depth=2.0)
    faces = np.concatenate([FACES, FACES + 4])
    xy, w = torch.cat([xy_far, xy_near]), torch.cat([w_far, w_near])
    pairs = find_outlines(xy, w, depth_of(3.7, 11.2), EdgeTopology.of(faces), SIZE)
    assert len(torch.unique(pairs.name)) == len(pairs.name) == 28
    left = (pairs.name % 2 == 0) & (pairs.name // 2 % SIZE[1] == 3)
    torch.testing.assert_close(pairs.reach[left], torch.full((7,), 0.8).double())


def test_what_is_behind_the_camera_has_no_outline():
    xy, w = square(3.7, 11.2, depth=-1.0)
    assert not len(find_outlines(xy, w, depth_of(3.7, 11.2), EdgeTopology.of(FACES), SIZE).name)


def test_edges_know_their_triangles_and_pieces():
    topology = EdgeTopology.of(np.concatenate([FACES, FACES + 4]))
    assert len(topology.ends) == 10
    inner = topology.opposite[:, 0] != topology.opposite[:, 1]
    assert {tuple(e) for e in topology.ends[inner].tolist()} == {(0, 2), (4, 6)}
    assert topology.piece[0] == topology.piece[1] != topology.piece[2] == topology.piece[3]


@pytest.mark.parametrize("faces", [np.zeros((0, 3)), np.zeros((2, 4)), np.zeros(3)])
def test_other_faces_are_refused(faces):
    with pytest.raises(InputError, match="EdgeTopology"):
        EdgeTopology.of(faces)
