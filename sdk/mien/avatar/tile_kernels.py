"""Warp kernels: which Gaussians reach which tile of the image, front to back.

Gaussians are sorted by depth, their (tile, Gaussian) pairs written in that order, and the pairs
sorted by tile with a stable sort: within a tile the order of depth remains. Depth is that along
the view axis; viewers that sort by distance differ far from it only.
"""

# mypy: ignore-errors

from mien.avatar.warp_start import wp

__all__ = ["count_kernel", "emit_kernel", "range_kernel"]


@wp.kernel
def count_kernel(
    order: wp.array(dtype=int), reaches: wp.array(dtype=wp.vec4i), counts: wp.array(dtype=int)
):
    """Tiles of the Gaussian at each place in the order of depth."""
    at = wp.tid()
    reach = reaches[order[at]]
    counts[at] = (reach[1] - reach[0] + 1) * (reach[3] - reach[2] + 1)


@wp.kernel
def emit_kernel(
    order: wp.array(dtype=int),
    reaches: wp.array(dtype=wp.vec4i),
    ends: wp.array(dtype=int),
    per_frame: int,
    columns: int,
    rows: int,
    tiles: wp.array(dtype=int),
    members: wp.array(dtype=int),
):
    """Pairs of tile and Gaussian, in the order of depth; `ends` is the running sum of counts.

    Tiles are numbered frame by frame, row by row; `per_frame` Gaussians belong to each frame.
    """
    at = wp.tid()
    g = order[at]
    reach = reaches[g]
    first = (g // per_frame) * columns * rows
    slot = 0
    if at > 0:
        slot = ends[at - 1]
    for row in range(reach[2], reach[3] + 1):
        for column in range(reach[0], reach[1] + 1):
            tiles[slot] = first + row * columns + column
            members[slot] = g
            slot = slot + 1


@wp.kernel
def range_kernel(tiles: wp.array(dtype=int), count: int, ranges: wp.array(dtype=wp.vec2i)):
    """First and past-the-last pair of every tile that has one; the others keep what they hold."""
    at = wp.tid()
    tile = tiles[at]
    if at == 0 or tiles[at - 1] != tile:
        ranges[tile][0] = at
    if at == count - 1 or tiles[at + 1] != tile:
        ranges[tile][1] = at + 1
