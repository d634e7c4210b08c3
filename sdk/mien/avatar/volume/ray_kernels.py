"""Warp kernel: where rays pass through the shell around a mesh.

On the CPU a launch runs in the calling thread alone.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), and they are
# calls that mypy cannot take.
# mypy: ignore-errors
# ruff: noqa: UP018

from mien.avatar.warp_start import wp

__all__ = ["span_kernel"]


@wp.kernel
def span_kernel(
    swollen: wp.uint64,
    mesh: wp.uint64,
    origin: wp.vec3,
    directions: wp.array(dtype=wp.vec3),
    slant: wp.array(dtype=float),
    longest: float,
    skin: float,
    below: float,
    near: wp.array(dtype=float),
    far: wp.array(dtype=float),
):
    """near..far along each ray; far 0 for one that misses.

    From where the swollen mesh begins, and at least `skin` before the mesh, to `below` behind the
    first point of the mesh itself; where that is missed, to where the swollen one ends. `skin` and
    `below` are along the camera's axis, of which a ray goes 1 / slant for each metre.
    """
    i = wp.tid()
    d = directions[i]
    begin = wp.mesh_query_ray(swollen, origin, d, longest)
    on = wp.mesh_query_ray(mesh, origin, d, longest)
    first = float(longest)
    last = float(0.0)
    if begin.result:
        first = begin.t
    if on.result:
        first = wp.min(first, on.t - skin / slant[i])
        last = on.t + below / slant[i]
    elif begin.result:
        back = wp.mesh_query_ray(swollen, origin + longest * d, -d, longest)
        if back.result:
            last = longest - back.t
    near[i] = wp.max(first, 0.0)
    far[i] = 0.0
    if last > first:
        far[i] = last
