"""Where two pieces run through each other there is a contour, and it moves with both planes."""

import pytest
import torch

from mien_training.rendering.antialiasing.intersection_contours import find_intersections
from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs

SIZE = (6, 10)
NONE = torch.zeros(0, dtype=torch.int64)
OUTLINES = PixelPairs(NONE, NONE, NONE, torch.zeros(0).double(), torch.zeros(0).double())


def planes(across=4.7, slope=0.05, base=1.0):
    """Two planes of inverse depth that cross at x = `across`: what each pixel sees of the nearer.

    The first falls, the second rises with x. Returns points (H * W, 3), corners and pieces.
    """
    y, x = torch.meshgrid(*(torch.arange(n).double() + 0.5 for n in SIZE), indexing="ij")
    slopes = torch.tensor([-slope, slope]).double()
    q = base + slopes * (x.flatten()[:, None] - across)
    piece = q.argmax(1)
    points = torch.stack([x.flatten(), y.flatten(), q.amax(1)], 1)
    triangle = torch.tensor([(-3.0, -4.0), (20.0, -2.0), (5.0, 15.0)]).double()
    corners = torch.cat(
        [
            triangle.expand(len(piece), 3, 2),
            (base + slopes[piece, None] * (triangle[:, 0] - across))[..., None],
        ],
        2,
    )
    return points, corners, piece


@pytest.mark.parametrize("across", [2.6, 4.7, 5.0, 7.45])
def test_the_contour_lies_where_the_planes_cross(across):
    points, corners, piece = planes(across)
    pairs = find_intersections(points, corners, piece, OUTLINES, SIZE)
    assert len(pairs.name) == SIZE[0] and (pairs.name % 2 == 0).all()
    first = pairs.name // 2
    place = points[first, 0] + pairs.reach
    torch.testing.assert_close(place, torch.full_like(place, across))
    torch.testing.assert_close(pairs.weight, torch.ones_like(pairs.weight))
    assert (piece[pairs.near] == 0).all() and (piece[pairs.far] == 1).all()


def test_it_moves_with_both_surfaces():
    points, corners, piece = planes(4.7)
    points.requires_grad_(True)
    pairs = find_intersections(points, corners, piece, OUTLINES, SIZE)
    pairs.reach.sum().backward()
    # A plane that comes nearer by dq takes dq / (difference of the slopes) of the other.
    one, two = points.grad[pairs.near, 2], points.grad[pairs.far, 2]
    torch.testing.assert_close(one, torch.full_like(one, 1 / 0.1))
    torch.testing.assert_close(two, torch.full_like(two, -1 / 0.1))


def test_pixels_of_one_piece_or_of_none_have_no_contour():
    points, corners, piece = planes()
    for same in (torch.zeros_like(piece), torch.full_like(piece, -1)):
        assert not len(find_intersections(points, corners, same, OUTLINES, SIZE).name)
    half = torch.where(piece == 1, -1, piece)
    assert not len(find_intersections(points, corners, half, OUTLINES, SIZE).name)


def test_where_an_outline_is_there_is_no_second_contour():
    points, corners, piece = planes()
    usual = find_intersections(points, corners, piece, OUTLINES, SIZE)
    some = usual.name[:2]
    taken = PixelPairs(some, some, some, torch.zeros(2).double(), torch.zeros(2).double())
    pairs = find_intersections(points, corners, piece, taken, SIZE)
    assert set(pairs.name.tolist()) == set(usual.name[2:].tolist())


def test_planes_that_hardly_differ_or_part_the_other_way_do_not_count():
    points, corners, piece = planes(slope=1e-4)
    assert not len(find_intersections(points, corners, piece, OUTLINES, SIZE).name)
    # Seen the farther instead of the nearer one: a gap between two pieces, no crossing.
    points, corners, piece = planes()
    swapped = 1 - piece
    turned = corners.clone()
    turned[..., 2] = 2.0 - corners[..., 2]
    behind = points.clone()
    behind[:, 2] = 2.0 - points[:, 2]
    assert not len(find_intersections(behind, turned, swapped, OUTLINES, SIZE).name)
