"""Anchors: the texels of an atlas over a head, and where each is when the head moves.

Everything of a photoreal head hangs on them: a point's features, a Gaussian's place and turn. The
frames follow from sums over the triangles around each vertex, so that they change smoothly over
the surface, turn with the head exactly and need no more than its vertices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien.rotation import quaternion_from_matrix

__all__ = ["AnchorPoses", "Anchors", "displacement_image", "exact_shares",
           "pose_anchors", "raise_layers"]  # fmt: skip

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Anchors:
    """The N texels of a square atlas that lie on the head.

    The atlas has A vertices of its own, as the head's are split where it is cut; each is one of the
    head's V or one of E extra vertices that follow them (a sheet behind the lips).
    """

    size: int
    """Side of the atlas, texels."""
    texel: NDArray[np.int64]
    """(N,) index into the flattened atlas, row 0 at v = 0, ascending."""
    triangle: Int32Array
    """(N,) row of `triangles` on which each texel lies."""
    bary: Float32Array
    """(N, 3) weights of its corners, >= 0, summing to 1."""
    triangles: Int32Array
    """(F, 3) vertices of the atlas, counter-clockwise seen from outside."""
    uvs: Float32Array
    """(A, 2) in 0..1, (0, 0) the upper left corner."""
    source: Int32Array
    """(A,) vertex of the head; from `vertex_count` on, extra vertices."""
    vertex_count: int
    """V: the vertices that are handed in."""
    rest_areas: Float32Array
    """(V + E,) of the triangles around each vertex at rest, square metres."""
    extra_corners: Int32Array
    """(E, C) vertices of the head that each extra vertex follows."""
    extra_weights: Float32Array
    """(E, C) by these shares, summing to 1."""

    @property
    def corners(self) -> Int32Array:
        """(N, 3) vertices of the head, or extra ones, around each texel."""
        return np.asarray(self.source[self.triangles[self.triangle]])

    def for_rig(self, first: ArrayLike, vertex_count: int) -> Anchors:
        """The same on a mesh whose vertex `first[v]` is this one's v (a rig's, split at seams); -1
        for those that it lacks, which no triangle has."""
        at = np.asarray(first, np.int32)
        extra = self.source >= self.vertex_count
        moved = np.where(extra, self.source - self.vertex_count + vertex_count, 0)
        moved[~extra] = at[self.source[~extra]]
        areas = np.zeros(vertex_count + len(self.extra_corners), np.float32)
        there = at >= 0
        areas[at[there]] = self.rest_areas[: self.vertex_count][there]
        areas[vertex_count:] = self.rest_areas[self.vertex_count :]
        return replace(
            self, source=moved.astype(np.int32), vertex_count=vertex_count, rest_areas=areas,
            extra_corners=at[self.extra_corners],
        )  # fmt: skip

    def image(self, values: ArrayLike) -> NDArray[np.float32]:
        """(..., N, C) of the texels as (..., C, size, size) images, 0 where there is no head."""
        given = np.asarray(values, np.float32)
        flat = np.zeros((*given.shape[:-2], given.shape[-1], self.size**2), np.float32)
        flat[..., self.texel] = np.swapaxes(given, -1, -2)
        return flat.reshape(*flat.shape[:-1], self.size, self.size)

    @cached_property
    def fans(self) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]], ...]:
        """Of the head's vertices and of the atlas's: those with triangles around them, the
        triangles one vertex after the other, and where each vertex's begin."""
        found = []
        for corners in (self.source[self.triangles], self.triangles):
            order = np.argsort(corners.ravel(), kind="stable")
            vertex, start = np.unique(corners.ravel()[order], return_index=True)
            found.append((vertex.astype(np.int64), order // 3, start))
        return tuple(found)


@dataclass(frozen=True, eq=False)
class AnchorPoses:
    """Where anchors are, in the space of the vertices that they were posed with."""

    positions: Float64Array
    """(..., N, 3) metres."""
    rotations: Float64Array
    """(..., N, 3, 3) columns: along the atlas's u, upwards on the atlas, out of the surface."""
    scales: Float64Array
    """(..., N) length of the skin there, in its length at rest: the root of the areas' ratio."""

    @property
    def quaternions(self) -> Float64Array:
        """(..., N, 4) xyzw of the rotations, w >= 0."""
        return quaternion_from_matrix(self.rotations)


def pose_anchors(anchors: Anchors, vertices: ArrayLike) -> AnchorPoses:
    """Anchors on a mesh with (..., V, 3) vertices, metres.

    Turning, moving or scaling all vertices turns, moves and scales what comes back.
    Raises InputError for another number of vertices.
    """
    v = np.asarray(vertices, np.float64)
    if v.ndim < 2 or v.shape[-2:] != (anchors.vertex_count, 3):
        raise InputError(
            f"pose_anchors: vertices {v.shape}, expected (..., {anchors.vertex_count}, 3)"
        )
    if len(anchors.extra_corners):
        followed = v[..., anchors.extra_corners, :] * exact_shares(anchors.extra_weights)[..., None]
        v = np.concatenate([v, followed.sum(-2)], -2)
    p = v[..., anchors.source[anchors.triangles], :]
    first, second = p[..., 1, :] - p[..., 0, :], p[..., 2, :] - p[..., 0, :]
    across = np.cross(first, second)
    flat = anchors.uvs[anchors.triangles].astype(np.float64)
    down = flat[:, 1:, 1] - flat[:, :1, 1]
    # Metres of surface per u, times the triangle's (negative) area on the atlas.
    along = down[:, :1] * second - down[:, 1:] * first
    on_head, on_atlas = anchors.fans
    normals = _unit(_gathered(across, on_head, v.shape[-2]), (0.0, 0.0, 1.0))
    tangents = _gathered(along, on_atlas, len(anchors.source))
    area = _gathered(0.5 * np.linalg.norm(across, axis=-1, keepdims=True), on_head, v.shape[-2])
    ratio = np.sqrt(area[..., 0] / np.maximum(anchors.rest_areas.astype(np.float64), 1e-12))
    corners, bary = anchors.corners, exact_shares(anchors.bary)
    n = _unit(_mixed(normals, corners, bary), (0.0, 0.0, 1.0))
    ways = _mixed(tangents, anchors.triangles[anchors.triangle], bary)
    t = _unit(ways - (ways * n).sum(-1, keepdims=True) * n, None, n)
    return AnchorPoses(
        _mixed(v, corners, bary),
        np.stack([t, np.cross(n, t), n], -1),
        _mixed(ratio[..., None], corners, bary)[..., 0],
    )


def raise_layers(poses: AnchorPoses, chosen: ArrayLike, offsets_m: ArrayLike) -> AnchorPoses:
    """Copies of the (M,) `chosen` anchors lifted off the surface along its normal.

    offsets_m (L,), metres at rest; they grow with the surface. (..., L M, ...), layer by layer.
    """
    index, offsets = np.asarray(chosen), np.asarray(offsets_m, np.float64)
    place, turn, scale = (
        poses.positions[..., index, :], poses.rotations[..., index, :, :], poses.scales[..., index],
    )  # fmt: skip
    way = turn[..., 2] * scale[..., None]
    lifted = [place + offset * way for offset in offsets]
    count = len(offsets)
    return AnchorPoses(
        np.concatenate(lifted, -2),
        np.concatenate([turn] * count, -3),
        np.concatenate([scale] * count, -1),
    )


def displacement_image(
    anchors: Anchors, neutral: ArrayLike, posed: ArrayLike, world_from_head: ArrayLike | None = None
) -> Float32Array:
    """(..., 3, size, size) metres that each texel has moved from the neutral, in the head's space.

    neutral (V, 3), rig space; posed (..., V, 3), world; world_from_head (..., 4, 4): the head's
    rigid motion, which is taken out; None: there is none. 0 where there is no head.
    """
    rest, moved = np.asarray(neutral, np.float64), np.asarray(posed, np.float64)
    if moved.shape[-2:] != (anchors.vertex_count, 3) or rest.shape != moved.shape[-2:]:
        raise InputError(
            f"displacement_image: neutral {rest.shape}, posed {moved.shape}, expected "
            f"({anchors.vertex_count}, 3)"
        )
    if world_from_head is not None:
        matrix = np.asarray(world_from_head, np.float64)
        moved = (moved - matrix[..., None, :3, 3]) @ matrix[..., :3, :3]
    d = moved - rest
    if len(anchors.extra_corners):
        followed = d[..., anchors.extra_corners, :] * exact_shares(anchors.extra_weights)[..., None]
        d = np.concatenate([d, followed.sum(-2)], -2)
    return anchors.image(
        (d[..., anchors.corners, :] * exact_shares(anchors.bary)[..., None]).sum(-2)
    )


def exact_shares(shares: Float32Array) -> Float64Array:
    """(..., 3) shares that sum to 1 in double precision too."""
    wide = shares.astype(np.float64)
    return np.asarray(wide / wide.sum(-1, keepdims=True))


def _mixed(values: Float64Array, corners: Int32Array, bary: Float64Array) -> Float64Array:
    """(..., N, C) of (..., V, C): the mean of three rows by shares (N, 3), faster than a sum."""
    a, b, c = (values[..., corners[:, k], :] * bary[:, k, None] for k in range(3))
    return np.asarray(a + b + c)


def _gathered(
    values: Float64Array,
    fan: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    count: int,
) -> Float64Array:
    """(..., count, C) sums over the triangles around each vertex of (..., F, C)."""
    vertex, triangle, start = fan
    total = np.zeros((*values.shape[:-2], count, values.shape[-1]))
    total[..., vertex, :] = np.add.reduceat(values[..., triangle, :], start, -2)
    return total


def _unit(
    vectors: Float64Array,
    instead: tuple[float, float, float] | None,
    across: Float64Array | None = None,
) -> Float64Array:
    """Unit vectors; where there is none, `instead`, or any that lies across `across`."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    lost = length < 1e-20
    found = vectors / np.where(lost, 1.0, length)
    if lost.any():
        other = np.asarray(instead if across is None else _perpendicular(across))
        found = np.where(lost, other, found)
    return np.asarray(found)


def _perpendicular(n: Float64Array) -> Float64Array:
    """(..., 3) unit vectors across unit vectors."""
    axis = np.where(np.abs(n[..., :1]) < 0.6, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    other = np.cross(n, axis)
    return np.asarray(other / np.linalg.norm(other, axis=-1, keepdims=True))
