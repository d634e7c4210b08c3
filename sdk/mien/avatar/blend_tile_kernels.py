"""Warp kernels: what `blend_pixel_kernels` does, a thread for each tile, for the CPU.

There a thread is a loop, so that ellipses are best outermost; `tile_planes` does the pixels.
"""

# mypy: ignore-errors

from mien.avatar.projection_kernels import Ellipse
from mien.avatar.splat_limits import FULL, SMALLEST_ALPHA, TILE
from mien.avatar.tile_planes import (
    BACK_PLANES,
    PLANES,
    blend_rows,
    blend_rows_backward,
    clear,
    clearest,
    load,
    unload,
)
from mien.avatar.warp_start import wp

__all__ = ["blend_tiles_backward_kernel", "blend_tiles_kernel"]

CHECKED = wp.constant(16)
"""Pairs from one look for a tile that is full to the next."""


@wp.func
def row_span(e: Ellipse, v: float) -> wp.vec2i:
    """First and last row of a tile that the ellipse reaches, here and there one more."""
    reach = wp.sqrt(2.0 * wp.log(e[5] / SMALLEST_ALPHA) / e[4])
    first = int(wp.max(v - reach, 0.0))
    return wp.vec2i(first, int(wp.min(v + reach + 0.01, float(TILE - 1))))


@wp.kernel
def blend_tiles_kernel(
    ellipses: wp.array(dtype=Ellipse),
    paints: wp.array(dtype=wp.vec4),
    members: wp.array(dtype=int),
    ranges: wp.array(dtype=wp.vec2i),
    columns: int,
    rows: int,
    planes: wp.array(dtype=float),
    plane_last: wp.array(dtype=int),
    light: wp.array3d(dtype=wp.vec4),
    depth: wp.array3d(dtype=float),
    last: wp.array3d(dtype=int),
):
    """As `blend_pixels_kernel`; `planes`, `plane_last`: room for PLANES planes and one a tile."""
    t = wp.tid()
    b = t // (columns * rows)
    y0 = ((t // columns) % rows) * TILE
    x0 = (t % columns) * TILE
    area = TILE * TILE
    at = t * PLANES * area
    at_last = t * area
    clear(planes, at, plane_last, at_last)
    pairs = ranges[t]
    for pair in range(pairs[0], pairs[1]):
        if (pair - pairs[0]) % CHECKED == CHECKED - 1:
            if clearest(planes, at) < FULL:
                break
        g = members[pair]
        e = ellipses[g]
        u = e[0] - 0.5 - float(x0)
        v = e[1] - 0.5 - float(y0)
        span = row_span(e, v)
        blend_rows(planes, at, plane_last, at_last, span[0], span[1], u, v, e, paints[g], pair)
    unload(planes, at, plane_last, at_last, b, y0, x0, light, depth, last)


@wp.kernel
def blend_tiles_backward_kernel(
    ellipses: wp.array(dtype=Ellipse),
    paints: wp.array(dtype=wp.vec4),
    members: wp.array(dtype=int),
    ranges: wp.array(dtype=wp.vec2i),
    columns: int,
    rows: int,
    light: wp.array3d(dtype=wp.vec4),
    last: wp.array3d(dtype=int),
    light_gradients: wp.array3d(dtype=wp.vec4),
    depth_gradients: wp.array3d(dtype=float),
    planes: wp.array(dtype=float),
    plane_last: wp.array(dtype=int),
    ellipse_gradients: wp.array(dtype=Ellipse),
    paint_gradients: wp.array(dtype=wp.vec4),
):
    """As `blend_pixels_backward_kernel`; `planes`: room for BACK_PLANES planes a tile."""
    t = wp.tid()
    b = t // (columns * rows)
    y0 = ((t // columns) % rows) * TILE
    x0 = (t % columns) * TILE
    area = TILE * TILE
    at = t * BACK_PLANES * area
    at_last = t * area
    pairs = ranges[t]
    if pairs[0] == pairs[1]:
        return
    latest = load(
        planes, at, plane_last, at_last, b, y0, x0, light, last, light_gradients, depth_gradients
    )
    end = wp.min(latest, pairs[1] - 1) + 1
    for back in range(pairs[0], end):
        pair = end - 1 - (back - pairs[0])
        g = members[pair]
        e = ellipses[g]
        u = e[0] - 0.5 - float(x0)
        v = e[1] - 0.5 - float(y0)
        span = row_span(e, v)
        blend_rows_backward(
            planes, at, plane_last, at_last, span[0], span[1], u, v, e, paints[g], pair, g,
            ellipse_gradients, paint_gradients,
        )  # fmt: skip
