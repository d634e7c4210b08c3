"""Warp kernels of spatial queries: signed distance to a mesh, its nearest point, overlapping
boxes, lines of sight.

On the CPU a launch runs in the calling thread alone.
"""

# Warp reads the annotations of kernels at run time (no postponed evaluation here), and they are
# calls that mypy cannot take; a variable that a loop changes must be made by int().
# mypy: ignore-errors
# ruff: noqa: RUF046, UP018

import warp as wp

import mien_training.geometry.warp_start  # noqa: F401

__all__ = [
    "box_pairs_kernel", "line_of_sight_kernel", "nearest_kernel", "signed_distance_kernel",
]  # fmt: skip


@wp.kernel
def signed_distance_kernel(
    mesh: wp.uint64, points: wp.array(dtype=wp.vec3), reach: float, distance: wp.array(dtype=float)
):
    """Distance to the surface, negative where the winding number is above one half."""
    i = wp.tid()
    hit = wp.mesh_query_point_sign_winding_number(mesh, points[i], reach)
    nearest = wp.mesh_eval_position(mesh, hit.face, hit.u, hit.v)
    distance[i] = hit.sign * wp.length(nearest - points[i])


@wp.kernel
def box_pairs_kernel(
    bvh: wp.uint64,
    lowers: wp.array(dtype=wp.vec3),
    uppers: wp.array(dtype=wp.vec3),
    faces: wp.array(dtype=wp.vec3i),
    first: wp.array(dtype=int),
    counts: wp.array(dtype=int),
    pairs: wp.array(dtype=wp.vec2i),
):
    """Triangles j > i with overlapping boxes and no common vertex.

    With no `pairs` only counts them; else writes triangle i's from pairs[first[i]] on.
    """
    i = wp.tid()
    f = faces[i]
    query = wp.bvh_query_aabb(bvh, lowers[i], uppers[i])
    j = int(0)
    count = int(0)
    while wp.bvh_query_next(query, j):
        if j <= i:
            continue
        g = faces[j]
        shared = int(0)
        for a in range(3):
            for b in range(3):
                if f[a] == g[b]:
                    shared = 1
        if shared == 0:
            if pairs.shape[0] > 0:
                pairs[first[i] + count] = wp.vec2i(i, j)
            count += 1
    counts[i] = count


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


@wp.kernel
def line_of_sight_kernel(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    eye: wp.vec3,
    lift: float,
    clear: wp.array(dtype=wp.bool),
):
    """Whether nothing of the mesh lies between a point, lifted towards the eye, and the eye."""
    i = wp.tid()
    way = eye - points[i]
    distance = wp.length(way)
    way = way / distance
    clear[i] = not wp.mesh_query_ray_anyhit(mesh, points[i] + lift * way, way, distance - lift)
