"""Warp kernels: the four nearest of a cloud of places, and what points on rays have around them.

On the CPU a launch runs in the calling thread alone.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), and they are
# calls that mypy cannot take; a variable that a loop changes must be made by int() or float().
# mypy: ignore-errors
# ruff: noqa: RUF046, UP018

from mien.avatar.warp_start import wp

__all__ = ["four_nearest_kernel", "nearby_kernel"]

_NEAREST_M = wp.constant(1.0e-5)


@wp.func
def _four_nearest(
    grid: wp.uint64, places: wp.array(dtype=wp.vec3), q: wp.vec3, first: float, reach: float
):
    """Indices within `reach`, the nearest first; -1 where there are fewer than four.

    Looked for within `first`, then in balls twice as large until four are found: what lies within
    a ball is all nearer than what lies outside.
    """
    radius = float(first)
    searching = int(1)
    near = wp.vec4i(-1, -1, -1, -1)
    while searching == 1:
        far = wp.vec4(1.0e30, 1.0e30, 1.0e30, 1.0e30)
        near = wp.vec4i(-1, -1, -1, -1)
        for j in wp.hash_grid_query(grid, q, radius):
            d = wp.length_sq(places[j] - q)
            if d < far[3] and d <= radius * radius:
                k = int(3)
                while k > 0 and far[wp.max(k - 1, 0)] > d:
                    far[k] = far[k - 1]
                    near[k] = near[k - 1]
                    k -= 1
                far[k] = d
                near[k] = j
        if near[3] >= 0 or radius >= reach:
            searching = 0
        radius = wp.min(2.0 * radius, reach)
    return near


@wp.kernel
def four_nearest_kernel(
    grid: wp.uint64,
    places: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
    first: float,
    reach: float,
    found: wp.array(dtype=int, ndim=2),
):
    """Indices within `reach`, the nearest first; -1 where there are fewer than four."""
    i = wp.tid()
    near = _four_nearest(grid, places, points[i], first, reach)
    for k in range(4):
        found[i, k] = near[k]


@wp.kernel
def nearby_kernel(
    grid: wp.uint64,
    places: wp.array(dtype=wp.vec3),
    frames: wp.array(dtype=wp.mat33),
    lift: wp.array(dtype=float),
    origin: wp.vec3,
    directions: wp.array(dtype=wp.vec3),
    t: wp.array(dtype=float, ndim=2),
    first: float,
    reach: float,
    fade: float,
    index: wp.array(dtype=int, ndim=3),
    offsets: wp.array(dtype=wp.vec3, ndim=3),
    shares: wp.array(dtype=float, ndim=3),
    heights: wp.array(dtype=float, ndim=2),
    presence: wp.array(dtype=float, ndim=2),
):
    """Of points t along rays: their anchors, where they lie in the anchors' frames, shares by
    inverse distance, height above the skin, and how much of them is there."""
    i, s = wp.tid()
    q = origin + t[i, s] * directions[i]
    near = _four_nearest(grid, places, q, first, reach)
    weights = wp.vec4(0.0, 0.0, 0.0, 0.0)
    total = float(0.0)
    nearest = float(reach)
    for k in range(4):
        j = wp.max(near[k], 0)
        away = q - places[j]
        offsets[i, s, k] = wp.transpose(frames[j]) * away
        index[i, s, k] = j
        if near[k] >= 0:
            distance = wp.max(wp.length(away), _NEAREST_M)
            weights[k] = 1.0 / distance
            total += weights[k]
            if k == 0:
                nearest = distance
    height = float(0.0)
    for k in range(4):
        share = weights[k] / wp.max(total, 1.0e-12)
        shares[i, s, k] = share
        height += share * (offsets[i, s, k][2] + lift[wp.max(near[k], 0)])
    heights[i, s] = height
    presence[i, s] = wp.clamp((reach - nearest) / fade, 0.0, 1.0)
