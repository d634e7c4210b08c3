"""Warp kernel of the nearest point on a mesh. On the CPU a launch runs in the calling thread."""

# Warp reads the annotations of kernels at run time, and they are calls that mypy cannot take.
# mypy: ignore-errors

import warp as wp

# Its import starts Warp, without backward kernels and without a word on standard error.
import mien_training.rendering.raster_kernels  # noqa: F401

__all__ = ["nearest_kernel"]


@wp.kernel
def nearest_kernel(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    reach: float,
    face: wp.array(dtype=int),
    share: wp.array(dtype=wp.vec2),
):
    """Nearest triangle of each point, and the weights of its first two corners."""
    i = wp.tid()
    hit = wp.mesh_query_point_no_sign(mesh, points[i], reach)
    face[i] = hit.face
    share[i] = wp.vec2(hit.u, hit.v)
