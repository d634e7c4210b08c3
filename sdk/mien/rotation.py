"""Rotations: quaternions `xyzw`, matrices, rotation vectors, head angles. All right-handed.

Every function takes any leading axes and computes in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "IDENTITY",
    "matrix_from_quaternion",
    "quaternion_conjugate",
    "quaternion_from_angles",
    "quaternion_from_matrix",
    "quaternion_from_rotation_vector",
    "quaternion_multiply",
    "rotate",
    "rotation_vector_from_quaternion",
    "scale_rotation",
    "unit_quaternion",
    "yaw_pitch_roll_from_quaternion",
]

Float64Array = NDArray[np.float64]

IDENTITY: Float64Array = np.array([0.0, 0.0, 0.0, 1.0])
"""No rotation."""


def unit_quaternion(q: ArrayLike) -> Float64Array:
    """(..., 4) of length 1 with w >= 0 (q and -q are the same rotation).

    >>> unit_quaternion([-1, -1, -1, -1]).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    raw = np.asarray(q, np.float64)
    unit = raw / np.linalg.norm(raw, axis=-1, keepdims=True)
    return np.asarray(np.where(unit[..., 3:] < 0, -unit, unit))


def quaternion_conjugate(q: ArrayLike) -> Float64Array:
    """(..., 4) the inverse of unit quaternions.

    >>> quaternion_conjugate([0.5, 0.5, 0.5, 0.5]).tolist()
    [-0.5, -0.5, -0.5, 0.5]
    """
    return np.asarray(np.asarray(q, np.float64) * np.array([-1.0, -1.0, -1.0, 1.0]))


def quaternion_multiply(a: ArrayLike, b: ArrayLike) -> Float64Array:
    """(..., 4) a after b: rotating by the product is rotating by b, then by a.

    >>> turn = [0.0, 0.6, 0.0, 0.8]
    >>> quaternion_multiply(turn, quaternion_conjugate(turn)).tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    left, right = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    av, aw, bv, bw = left[..., :3], left[..., 3:], right[..., :3], right[..., 3:]
    vector = aw * bv + bw * av + np.cross(av, bv)
    return np.concatenate([vector, aw * bw - (av * bv).sum(-1, keepdims=True)], axis=-1)


def rotate(q: ArrayLike, vectors: ArrayLike) -> Float64Array:
    """(..., 3) vectors rotated by unit quaternions (..., 4).

    >>> quarter = quaternion_from_rotation_vector([0, np.pi / 2, 0])  # about +Y
    >>> rotate(quarter, [0, 0, 1]).round(6).tolist()
    [1.0, 0.0, 0.0]
    """
    v, quaternion = np.asarray(vectors, np.float64), np.asarray(q, np.float64)
    axis, w = quaternion[..., :3], quaternion[..., 3:]
    t = 2.0 * np.cross(axis, v)
    return np.asarray(v + w * t + np.cross(axis, t))


def matrix_from_quaternion(q: ArrayLike) -> Float64Array:
    """(..., 3, 3) of unit quaternions (..., 4).

    >>> matrix_from_quaternion(IDENTITY).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    x, y, z, w = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quaternion_from_matrix(matrix: ArrayLike) -> Float64Array:
    """(..., 4), w >= 0, of rotation matrices (..., 3, 3). Stable at every angle.

    >>> quaternion_from_matrix(np.eye(3)).tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    m = np.asarray(matrix, np.float64)
    trace = np.trace(m, axis1=-2, axis2=-1)
    # Four times the outer product of q with itself; its longest row is the best conditioned.
    k = np.empty((*m.shape[:-2], 4, 4))
    k[..., :3, :3] = m + np.swapaxes(m, -1, -2)
    for i in range(3):
        k[..., i, i] = 1.0 + 2.0 * m[..., i, i] - trace
    k[..., 3, 3] = 1.0 + trace
    for i, (a, b) in enumerate([(2, 1), (0, 2), (1, 0)]):
        k[..., i, 3] = k[..., 3, i] = m[..., a, b] - m[..., b, a]
    best = np.argmax(np.diagonal(k, axis1=-2, axis2=-1), axis=-1)
    row = np.take_along_axis(k, best[..., None, None], axis=-2)[..., 0, :]
    return unit_quaternion(row)


def quaternion_from_rotation_vector(vector: ArrayLike) -> Float64Array:
    """(..., 4) of rotation vectors (..., 3): axis times angle, radians.

    >>> quaternion_from_rotation_vector([0, 0, np.pi]).round(6).tolist()
    [0.0, 0.0, 1.0, 0.0]
    """
    v = np.asarray(vector, np.float64)
    half = np.linalg.norm(v, axis=-1, keepdims=True) / 2.0
    return np.concatenate([v * 0.5 * np.sinc(half / np.pi), np.cos(half)], axis=-1)


def rotation_vector_from_quaternion(q: ArrayLike) -> Float64Array:
    """(..., 3) axis times angle (0..pi), radians, of quaternions (..., 4).

    >>> rotation_vector_from_quaternion([0, 0.6, 0, 0.8]).round(3).tolist()
    [0.0, 1.287, 0.0]
    """
    unit = unit_quaternion(q)
    sine = np.linalg.norm(unit[..., :3], axis=-1, keepdims=True)
    half = np.arctan2(sine, unit[..., 3:])
    scale = np.where(sine > 1e-12, 2.0 * half / np.maximum(sine, 1e-12), 2.0)
    return np.asarray(scale * unit[..., :3])


def scale_rotation(q: ArrayLike, share: float) -> Float64Array:
    """(..., 4) the same axis, `share` of the angle: 0 gives no rotation, 1 gives q.

    >>> half = scale_rotation([0, 0.6, 0, 0.8], 0.5)
    >>> quaternion_multiply(half, half).round(6).tolist()
    [0.0, 0.6, 0.0, 0.8]
    """
    return quaternion_from_rotation_vector(share * rotation_vector_from_quaternion(q))


def quaternion_from_angles(yaw_pitch_roll: ArrayLike) -> Float64Array:
    """(..., 4) of Live Link's (..., 3) yaw, pitch, roll in radians.

    Yaw is positive towards the character's own right, pitch positive downwards, roll positive
    towards the character's own left shoulder; roll acts first, then pitch, then yaw. In rig axes
    (+Y up, face along +Z) that is Ry(-yaw) Rx(pitch) Rz(-roll). The signs were found from the eye
    angles of real recordings, where they agree with the eyeLook channels; the head's angles are
    taken to follow the same convention.

    >>> quaternion_from_angles([0.2, 0.0, 0.0]).round(3).tolist()  # looks to their own right
    [0.0, -0.1, 0.0, 0.995]
    """
    yaw, pitch, roll = np.moveaxis(np.asarray(yaw_pitch_roll, np.float64), -1, 0)
    zero = np.zeros_like(yaw)
    turn = quaternion_from_rotation_vector(np.stack([zero, -yaw, zero], axis=-1))
    nod = quaternion_from_rotation_vector(np.stack([pitch, zero, zero], axis=-1))
    tilt = quaternion_from_rotation_vector(np.stack([zero, zero, -roll], axis=-1))
    return quaternion_multiply(quaternion_multiply(turn, nod), tilt)


def yaw_pitch_roll_from_quaternion(q: ArrayLike) -> Float64Array:
    """(..., 3) Live Link's yaw, pitch, roll in radians: the inverse of `quaternion_from_angles`.

    Pitch lies in [-pi/2, pi/2]; at its ends yaw and roll are not separate and roll is given as 0.

    >>> yaw_pitch_roll_from_quaternion(quaternion_from_angles([0.3, 0.2, 0.1])).round(6).tolist()
    [0.3, 0.2, 0.1]
    """
    m = matrix_from_quaternion(unit_quaternion(q))
    sine = np.clip(-m[..., 1, 2], -1.0, 1.0)
    locked = np.abs(sine) > 1.0 - 1e-12
    yaw = np.where(
        locked,
        np.arctan2(-m[..., 2, 0], m[..., 0, 0]),
        np.arctan2(m[..., 0, 2], m[..., 2, 2]),
    )
    roll = np.where(locked, 0.0, np.arctan2(m[..., 1, 0], m[..., 1, 1]))
    return np.stack([-yaw, np.arcsin(sine), -roll], axis=-1)
