"""Contours where two pieces of a mesh run through each other: eyeball and lid, teeth and gums.

No edge of the mesh lies there, so no outline. Two neighbouring pixels that see different pieces,
with no outline between them, see a contour if the planes of what they see cross between them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs

__all__ = ["find_intersections"]

_LEAST_ANGLE = 0.02
"""Difference of the two planes' slopes below which they count as one: relative inverse depth per
height of the image, about 3 degrees through a portrait lens."""
_CURVED = 1.0
"""Pixels beyond the two by which their planes may miss each other and still count as crossing."""


def find_intersections(
    points: Tensor,
    corners: Tensor,
    piece: Tensor,
    outlines: PixelPairs,
    size: tuple[int, int],
) -> PixelPairs:
    """Pixel pairs of an image of size (H, W) between which two pieces run through each other.

    points: (H * W, 3) what each pixel sees as x, y in pixels and inverse depth q, which is affine
    over a triangle's image; gradients go there. corners: (H * W, 3, 3) its triangle's corners,
    likewise; piece: (H * W,) the piece it belongs to, -1 where nothing is seen. With the planes
    q(p) = q_i + g_i (p - p_i), the contour is where q_1 - q_2 = 0, and moves with both of them.
    """
    found = [_crossings(points, corners, piece, outlines, size, axis) for axis in (0, 1)]
    return found[0] + found[1]


def _crossings(
    points: Tensor,
    corners: Tensor,
    piece: Tensor,
    outlines: PixelPairs,
    size: tuple[int, int],
    axis: int,
) -> PixelPairs:
    first, second = outlines.free(axis, size)
    kept = (piece[first] >= 0) & (piece[second] >= 0) & (piece[first] != piece[second])
    first, second = first[kept], second[kept]
    with torch.no_grad():
        one, two = _gradient(corners[first]), _gradient(corners[second])
        step = points[second] - points[first]
        bend = one - two
        # Difference of the planes at the first pixel, at the second, and where between it is zero.
        start = (two * step[:, :2]).sum(1) - step[:, 2]
        end = (one * step[:, :2]).sum(1) - step[:, 2]
        share = start / (start - end)
        kept = (start > end) & (share > -_CURVED) & (share < 1 + _CURVED)
        # Round surfaces leave their planes: that the contour lies between the two is known better.
        start, end = start.clamp(min=0), end.clamp(max=0)
        bend[:, axis] = end - start
        kept &= bend.norm(dim=1) * size[0] > _LEAST_ANGLE * points[first, 2]
        share = (start / (start - end))[kept, None]
        first, second, one, two, bend = (x[kept] for x in (first, second, one, two, bend))
        at = points[first, :2] + share * step[kept, :2]
        weight = bend[:, axis] ** 2 / (bend**2).sum(1)
    one_there = points[first, 2] + (one * (at - points[first, :2])).sum(1)
    two_there = points[second, 2] + (two * (at - points[second, :2])).sum(1)
    difference = one_there - two_there  # the planes keep their slopes; only its gradient counts
    reach = share[:, 0] - (difference - difference.detach()) / bend[:, axis]
    return PixelPairs(2 * first + axis, first, second, reach, weight)


def _gradient(corners: Tensor) -> Tensor:
    """(N, 2) slope of q in x and y over triangles with corners (N, 3, 3) of x, y, q."""
    a, b = (corners[:, 1:] - corners[:, :1]).unbind(1)
    area = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    slope_x = a[:, 2] * b[:, 1] - b[:, 2] * a[:, 1]
    slope_y = a[:, 0] * b[:, 2] - b[:, 0] * a[:, 2]
    return torch.stack([slope_x, slope_y], 1) / area[:, None]
