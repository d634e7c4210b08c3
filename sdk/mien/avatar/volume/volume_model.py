"""What a volume hangs on: anchors, layers of them above the scalp, and a shell around the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.avatar.anchors import AnchorPoses, Anchors, pose_anchors, raise_layers
from mien.errors import InputError
from mien.tracker.pose import similarity

__all__ = ["VolumeModel"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class VolumeModel:
    """Of a mesh of V vertices; N anchors, of which L M stand above the scalp.

    Raises InputError for arrays that do not fit each other or are not finite.
    """

    anchors: Anchors
    chosen: Int32Array
    """(M,) which anchors on the skin have copies above them."""
    offsets_m: Float32Array
    """(L,) above the skin, metres at rest: the layers of copies, the lowest first."""
    triangles: Int32Array
    """(F, 3) of the mesh without seams: a place has one vertex."""
    thickness_m: Float32Array
    """(V,) of the shell over each vertex."""
    still: Int32Array
    """(Q,) vertices that shapes move least: they tell where the head is."""
    reach_m: float
    """From an anchor there is nothing any more."""
    fade_m: float
    """Over the last of which density fades."""
    skin_m: float
    """How far before the skin a ray begins, at the latest."""
    below_m: float
    """How far behind it it ends."""

    def __post_init__(self) -> None:
        count = self.anchors.vertex_count
        for name in ("offsets_m", "thickness_m"):
            array = np.ascontiguousarray(getattr(self, name), np.float32)
            if array.ndim != 1 or not np.isfinite(array).all() or (array < 0).any():
                raise InputError(f"VolumeModel: {name} must be a list of 0 or more, finite")
            object.__setattr__(self, name, array)
        for name, below, least in (
            ("chosen", len(self.anchors.texel), 0), ("triangles", count, 1), ("still", count, 3),
        ):  # fmt: skip
            array = np.asarray(getattr(self, name))
            if len(array) < least or (array.size and not 0 <= array.min() <= array.max() < below):
                raise InputError(
                    f"VolumeModel: {name} has {len(array)} rows, expected at least {least}, of "
                    f"0 to {below - 1}"
                )
            object.__setattr__(self, name, np.ascontiguousarray(array, np.int32))
        if self.triangles.ndim != 2 or self.triangles.shape[1] != 3:
            raise InputError(f"VolumeModel: triangles {self.triangles.shape}, expected (F, 3)")
        if self.thickness_m.shape != (count,) or bool(len(self.chosen)) != bool(
            len(self.offsets_m)
        ):
            raise InputError(
                f"VolumeModel: thickness_m {self.thickness_m.shape}, {len(self.chosen)} chosen and "
                f"{len(self.offsets_m)} offsets_m, expected ({count},), and both or neither"
            )

    def __len__(self) -> int:
        """N, with those above the scalp."""
        return len(self.lift_m)

    @cached_property
    def lift_m(self) -> Float32Array:
        """(N,) of each anchor above the skin, metres at rest."""
        skin = np.zeros(len(self.anchors.texel), np.float32)
        return np.concatenate([skin, np.repeat(self.offsets_m, len(self.chosen))])

    def pose(self, vertices: ArrayLike) -> AnchorPoses:
        """All N anchors on a mesh (V, 3), metres."""
        poses = pose_anchors(self.anchors, vertices)
        if not len(self.chosen):
            return poses
        above = raise_layers(poses, self.chosen, self.offsets_m)
        return AnchorPoses(
            np.concatenate([poses.positions, above.positions]),
            np.concatenate([poses.rotations, above.rotations]),
            np.concatenate([poses.scales, above.scales]),
        )

    def normals(self, vertices: Float32Array) -> Float32Array:
        """(V, 3) unit, of the triangles around each vertex, weighted by area; 0 without any."""
        p = vertices[self.triangles].astype(np.float64)
        across = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        vertex, triangle, start = self._fans
        total = np.zeros((len(vertices), 3))
        total[vertex] = np.add.reduceat(across[triangle], start, 0)
        length = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(total / np.maximum(length, 1e-20), np.float32)

    def rigid_motion(self, vertices: ArrayLike, neutral: ArrayLike) -> Float64Array:
        """(4, 4) that brings a mesh (V, 3) best onto the neutral (V, 3), metres, by the vertices
        that hold still."""
        moved = np.asarray(vertices, np.float64)[self.still]
        rest = np.asarray(neutral, np.float64)[self.still]
        found = np.eye(4)
        found[:3, :3] = similarity(moved, rest)[1]
        found[:3, 3] = rest.mean(0) - found[:3, :3] @ moved.mean(0)
        return found

    @cached_property
    def _fans(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(self.triangles.ravel(), kind="stable")
        vertex, start = np.unique(self.triangles.ravel()[order], return_index=True)
        return vertex.astype(np.int64), order // 3, start
