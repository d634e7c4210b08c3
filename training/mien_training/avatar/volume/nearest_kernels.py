"""Warp kernel: the four nearest of a cloud of places.

On the CPU a launch runs in the calling thread alone.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), and they are
# calls that mypy cannot take; a variable that a loop changes must be made by int() or float().
# mypy: ignore-errors
# ruff: noqa: RUF046, UP018

import warp as wp

import mien_training.geometry.warp_start  # noqa: F401

__all__ = ["four_nearest_kernel"]


@wp.kernel
def four_nearest_kernel(
    grid: wp.uint64,
    places: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
    first: float,
    reach: float,
    found: wp.array(dtype=int, ndim=2),
):
    """Indices within `reach`, the nearest first; -1 where there are fewer than four.

    Looked for within `first`, then in balls twice as large until four are found: what lies within
    a ball is all nearer than what lies outside.
    """
    i = wp.tid()
    q = points[i]
    radius = float(first)
    searching = int(1)
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
            for k in range(4):
                found[i, k] = near[k]
        radius = wp.min(2.0 * radius, reach)
