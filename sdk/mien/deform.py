"""Weights -> vertices, normals, joints, tension: pure functions on a rig's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.channels import reorder
from mien.errors import InputError
from mien.rig import Rig
from mien.rotation import (
    IDENTITY,
    matrix_from_quaternion,
    quaternion_conjugate,
    quaternion_multiply,
    scale_rotation,
    unit_quaternion,
)

__all__ = [
    "NECK_SHARE",
    "JointPose",
    "blend",
    "evaluate",
    "pose_from_head",
    "shape_weights",
    "skin",
    "tension",
    "vertex_normals",
]

Float32Array = NDArray[np.float32]

NECK_SHARE = 0.4
"""Part of a head rotation that the neck takes; the head joint takes the rest."""

_MOSTLY_ACTIVE = 0.6  # beyond this share of active rows the copy of a selection costs more


@dataclass(frozen=True, eq=False)
class JointPose:
    """How the joints stand: rotations about their rest positions, and where the root is.

    >>> JointPose(np.tile(IDENTITY, (5, 1))).root_translation_m  # five joints as at rest
    array([0., 0., 0.])
    """

    rotations_xyzw: NDArray[np.float64]
    """(J, 4) rotation of each joint relative to its parent, in the order of `Rig.joints`."""
    root_translation_m: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    """(3,) displacement of the root from its rest position, metres, rig space."""


def shape_weights(
    rig: Rig, names: Sequence[str], values: ArrayLike, missing: float | None = 0.0
) -> Float32Array:
    """Channel values (..., C) as the rig's blendshape weights (..., K), by name.

    Shapes without a channel get `missing`; channels without a shape are dropped.
    Raises ChannelError as `mien.channels.reorder` does.

    >>> shape_weights(mien.load(SPHERE).rig, ["MouthSmileLeft"], [0.5])
    array([0. , 0.5, 0. ], dtype=float32)
    """
    return reorder(np.asarray(values, np.float32), names, rig.shape_names, missing)


def blend(rig: Rig, weights: ArrayLike) -> Float32Array:
    """Neutral plus the weighted shapes: (K,) -> (V, 3), (T, K) -> (T, V, 3); metres, rig space.

    Linear in the weights, which may lie outside 0..1. Only shapes with a weight other than 0 are
    read. Raises InputError for a wrong number of weights or one that is not finite.

    >>> rig = mien.load(SPHERE).rig
    >>> blend(rig, np.zeros((4, 3))).shape  # 4 moments of 3 shapes
    (4, 45, 3)
    """
    w = np.asarray(weights, np.float32)
    k = len(rig.shape_names)
    if w.ndim not in (1, 2) or w.shape[-1] != k:
        raise InputError(f"rig {rig.name!r}: weights have shape {w.shape}, not ({k},) or (T, {k})")
    if not np.isfinite(w).all():
        raise InputError(f"rig {rig.name!r}: weights must be finite")
    active = np.flatnonzero(w if w.ndim == 1 else w.any(axis=0))
    deltas = rig.shape_deltas.reshape(k, -1)
    if len(active) <= _MOSTLY_ACTIVE * k:
        w, deltas = w[..., active], deltas[active]
    moved = (w @ deltas).reshape(*w.shape[:-1], -1, 3)
    moved += rig.vertices
    return np.asarray(moved, np.float32)


def vertex_normals(
    vertices: Float32Array, triangles: NDArray[np.int32], welded: NDArray[np.int32] | None = None
) -> Float32Array:
    """Unit normals (..., V, 3) of vertices (..., V, 3): the area-weighted mean of their triangles.

    `welded` (V,) names the vertex that stands for each (`Rig.welded`), so that normals are smooth
    over UV seams. A vertex without area gets +Z.

    >>> rig = mien.load(SPHERE).rig
    >>> vertex_normals(rig.vertices, rig.triangles, rig.welded).shape
    (45, 3)
    """
    if vertices.ndim > 2:
        return np.stack([vertex_normals(v, triangles, welded) for v in vertices])
    corners = triangles if welded is None else welded[triangles]
    a, b, c = (vertices[corners[:, i]].T for i in range(3))
    (ax, ay, az), (bx, by, bz) = b - a, c - a
    area = (ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx)  # numpy's cross is slow
    where = corners.T.ravel()
    summed = np.stack(
        [np.bincount(where, np.tile(axis, 3), minlength=len(vertices)) for axis in area], axis=1
    )
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    summed = np.where(length > 0, summed / np.where(length > 0, length, 1), (0.0, 0.0, 1.0))
    return (summed if welded is None else summed[welded]).astype(np.float32)


def pose_from_head(
    rig: Rig,
    head_rotation_xyzw: ArrayLike,
    left_eye_xyzw: ArrayLike | None = None,
    right_eye_xyzw: ArrayLike | None = None,
    neck_share: float = NECK_SHARE,
) -> JointPose:
    """The joints that turn the head by a rotation (4,) in rig axes, split over neck and head.

    Neck and head together make exactly the rotation given. Eye rotations (4,) are relative to the
    head; leave them out when eyeLook shapes already turn the eyeballs. Raises InputError for a rig
    that lacks one of the joints (`Rig.find_joint`).

    >>> rig = mien.load(SPHERE).rig
    >>> pose_from_head(rig, [0.0, 0.6, 0.0, 0.8]).rotations_xyzw[rig.find_joint("neck")].round(2)
    array([0.  , 0.25, 0.  , 0.97])
    """
    whole = unit_quaternion(head_rotation_xyzw)
    neck = scale_rotation(whole, neck_share)
    rotations = np.tile(IDENTITY, (len(rig.joints), 1))
    rotations[rig.find_joint("neck")] = neck
    rotations[rig.find_joint("head")] = quaternion_multiply(quaternion_conjugate(neck), whole)
    for name, eye in (("leftEye", left_eye_xyzw), ("rightEye", right_eye_xyzw)):
        if eye is not None:
            rotations[rig.find_joint(name)] = unit_quaternion(eye)
    return JointPose(rotations)


def _skin_matrices(rig: Rig, pose: JointPose) -> NDArray[np.float64]:
    """(J, 3, 4) `posed_from_rest` of every joint: where its rest position and axes go."""
    count = len(rig.joints)
    if np.shape(pose.rotations_xyzw) != (count, 4):
        raise InputError(
            f"rig {rig.name!r}: a pose of {np.shape(pose.rotations_xyzw)}, expected ({count}, 4)"
        )
    local = matrix_from_quaternion(pose.rotations_xyzw)
    matrices = np.zeros((count, 3, 4))
    for i, joint in enumerate(rig.joints):
        at = np.asarray(joint.position)
        if joint.parent < 0:
            rotation, position = local[i], at + pose.root_translation_m
        else:
            parent = matrices[joint.parent]
            rotation = parent[:, :3] @ local[i]
            position = parent[:, :3] @ at + parent[:, 3]
        matrices[i, :, :3] = rotation
        matrices[i, :, 3] = position - rotation @ at
    return matrices


def joint_motion(rig: Rig, pose: JointPose, name: str) -> NDArray[np.float64]:
    """(4, 4) `posed_from_rest` of one joint: where what hangs on it alone goes; metres, rig space.

    Raises InputError for a rig that lacks it.

    >>> rig = mien.load(SPHERE).rig
    >>> turned = joint_motion(rig, pose_from_head(rig, [0.0, 0.6, 0.0, 0.8]), "head")
    >>> turned[:3, 2].round(2)
    array([0.96, 0.  , 0.28])
    """
    found = np.eye(4)
    found[:3] = _skin_matrices(rig, pose)[rig.find_joint(name)]
    return found


def skin(rig: Rig, vertices: Float32Array, pose: JointPose) -> Float32Array:
    """Linear blend skinning of (V, 3) or (T, V, 3) vertices by one pose; metres, rig space.

    >>> rig = mien.load(SPHERE).rig
    >>> skin(rig, rig.vertices, pose_from_head(rig, IDENTITY)).shape
    (45, 3)
    """
    per_vertex = _vertex_matrices(rig, pose)
    moved = np.einsum("vxy,...vy->...vx", per_vertex[..., :3], vertices) + per_vertex[..., 3]
    return np.asarray(moved, np.float32)


def _vertex_matrices(rig: Rig, pose: JointPose) -> Float32Array:
    """(V, 3, 4) the weighted mean of the joints' matrices."""
    joints = _skin_matrices(rig, pose).reshape(len(rig.joints), 12).astype(np.float32)
    dense = np.zeros((len(rig.vertices), len(rig.joints)), np.float32)
    rows = np.arange(len(dense))
    for slot in range(rig.joint_indices.shape[1]):  # a joint may fill several slots of a vertex
        dense[rows, rig.joint_indices[:, slot]] += rig.joint_weights[:, slot]
    return np.asarray((dense @ joints).reshape(-1, 3, 4))


def evaluate(
    rig: Rig, weights: ArrayLike, pose: JointPose | None = None
) -> tuple[Float32Array, Float32Array]:
    """Vertices and unit normals for weights (K,) or (T, K): shapes first, then the joints.

    Both (V, 3), or (T, V, 3), in rig space; one pose holds for all T.

    >>> rig = mien.load(SPHERE).rig
    >>> vertices, normals = evaluate(rig, [0.5, 0.0, 0.0], pose_from_head(rig, [0, 0.6, 0, 0.8]))
    >>> vertices.shape, normals.shape
    ((45, 3), (45, 3))
    """
    vertices = blend(rig, weights)
    if pose is not None:
        vertices = skin(rig, vertices, pose)
    return vertices, vertex_normals(vertices, rig.triangles, rig.welded)


def tension(rig: Rig, vertices: ArrayLike) -> Float32Array:
    """Stretch (..., V) of the skin at vertices (..., V, 3): 0 neutral, +0.1 a tenth longer.

    Per vertex the change of the summed length of its edges relative to the neutral, in parts of
    the median one, so that rigid motion and size change nothing. Positive stretched, negative
    compressed, at least -1. In metres from an origin near the head (`blend`) single precision
    suffices; metres away edges lose digits. Raises InputError for other shapes.

    >>> rig = mien.load(SPHERE).rig
    >>> pulled = rig.vertices.copy()
    >>> pulled[20] *= 1.1  # one vertex outwards
    >>> bool(tension(rig, pulled)[20] > 0.01), float(abs(tension(rig, 2 * rig.vertices)).max())
    (True, 0.0)
    """
    places = np.asarray(vertices, np.float64)
    if places.ndim < 2 or places.shape[-2:] != rig.vertices.shape:
        raise InputError(
            f"rig {rig.name!r}: vertices have shape {places.shape}, not (..., "
            f"{len(rig.vertices)}, 3)"
        )
    start, end = _edges(rig)
    both = np.concatenate([start, end])

    def around(points: NDArray[np.float64]) -> NDArray[np.float64]:
        squared = np.zeros(len(start))
        for axis in points.T.copy():
            apart = axis.take(end) - axis.take(start)
            squared += apart * apart
        length = np.sqrt(squared)
        found = np.bincount(both, np.concatenate([length, length]), minlength=len(points))
        return found.astype(np.float64)

    rest = around(rig.vertices.astype(np.float64))
    known = np.flatnonzero(rest > 0)
    stretch = np.zeros(places.shape[:-1], np.float32)
    if not len(known) or not places.size:
        return stretch
    rows = stretch.reshape(-1, len(rest))
    for row, frame in zip(rows, places.reshape(-1, *rig.vertices.shape), strict=True):
        ratio = around(frame)[known] / rest[known]
        # Sorted, for most of a face is still, and numpy's partition is slow where many are alike.
        size = np.sort(ratio)[(len(ratio) - 1) // 2]
        row[known] = ratio / max(size, 1e-12) - 1
    return stretch[..., rig.welded]


_EDGES: WeakKeyDictionary[Rig, tuple[NDArray[np.int64], NDArray[np.int64]]] = WeakKeyDictionary()


def _edges(rig: Rig) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ends of every edge of the welded mesh, each edge once; kept as long as the rig lives."""
    if rig not in _EDGES:
        corners = rig.welded[rig.triangles].astype(np.int64)
        pairs = np.stack([corners, np.roll(corners, -1, axis=1)], axis=-1).reshape(-1, 2)
        pairs.sort(axis=1)
        unique = np.unique(pairs[:, 0] * len(rig.vertices) + pairs[:, 1])
        _EDGES[rig] = (unique // len(rig.vertices), unique % len(rig.vertices))
    return _EDGES[rig]
