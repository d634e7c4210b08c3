"""Where the head is: similarity alignment in 3-D, and perspective pose from the image alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rotation import quaternion_from_matrix
from mien.tracker.canonical import METRES_PER_UNIT, POSE_POINTS, RIGID_POINTS, canonical_vertices

__all__ = ["HeadPose", "align_to_canonical", "assumed_focal_px", "head_pose", "similarity"]

Float64Array = NDArray[np.float64]

_ITERATIONS = 10
_UP_FROM_DOWN = np.array([1.0, -1.0, -1.0])
"""Landmarks (y down, z away from the camera) to y-up axes (z towards the camera)."""


@dataclass(frozen=True, eq=False)
class HeadPose:
    """Head relative to the camera: y-up axes, x right in the image, z towards the camera."""

    rotation_xyzw: NDArray[np.float32]
    """(4,) identity: the face looks straight into the camera."""
    translation_m: NDArray[np.float32]
    """(3,) the canonical face's origin, metres; z is negative."""


def assumed_focal_px(width: int, height: int) -> float:
    """Focal length when the camera is unknown: the longer side, as of a 53 degree lens."""
    return float(max(width, height))


def similarity(
    source: NDArray[np.floating], target: NDArray[np.floating]
) -> tuple[float, Float64Array, Float64Array]:
    """(scale, rotation (3, 3), translation (3,)) that bring source (N, 3) closest to target (N, 3).

    target ~ scale * rotation @ source + translation, least squares, proper rotation (Umeyama,
    "Least-squares estimation of transformation parameters between two point patterns", 1991).
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    a_centred, b_centred = a - a_mean, b - b_mean
    u, stretch, vt = np.linalg.svd(b_centred.T @ a_centred)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = float((stretch * sign).sum() / np.maximum((a_centred**2).sum(), 1e-300))
    return scale, rotation, b_mean - scale * rotation @ a_mean


def align_to_canonical(landmarks: NDArray[np.floating]) -> Float64Array:
    """(478, 3) image landmarks -> (478, 3) centimetres on the canonical face, head pose removed."""
    upright = np.asarray(landmarks, np.float64) * _UP_FROM_DOWN
    scale, rotation, translation = similarity(
        upright[RIGID_POINTS], canonical_vertices()[RIGID_POINTS]
    )
    return np.asarray(scale * upright @ rotation.T + translation)


def head_pose(
    landmarks: NDArray[np.floating], width: int, height: int, focal_px: float | None = None
) -> HeadPose:
    """Fit the canonical face to landmarks (478, 3) seen by a pinhole camera.

    Least squares of the reprojection in x and y over POSE_POINTS (Gauss-Newton); the landmark
    net's depth is only the start, because it is flattened and makes turns look too small.
    Principal point in the middle of the width x height image. Raises InputError for landmarks that
    are not finite.
    """
    focal = assumed_focal_px(width, height) if focal_px is None else focal_px
    points = np.asarray(landmarks, np.float64)
    if not np.isfinite(points).all():
        raise InputError("head_pose: landmarks are not finite")
    model = canonical_vertices()[POSE_POINTS]
    seen = points[POSE_POINTS]
    scale, rotation, offset = similarity(model, seen * _UP_FROM_DOWN)
    # From the middle of the image and y up, in focal lengths.
    image = (seen[:, :2] - (width / 2, height / 2)) * (1.0, -1.0) / focal
    distance = focal / scale
    centre = (offset[:2] - (width / 2, -height / 2)) / focal * distance
    translation = np.array([centre[0], centre[1], -distance])
    for _ in range(_ITERATIONS):
        turned = model @ rotation.T
        x, y, z = (turned + translation).T
        inverse = -1.0 / z
        residual = np.stack([x * inverse, y * inverse], axis=1) - image
        # d(x / -z): by translation, then by a small rotation in front of the present one.
        zero = np.zeros_like(x)
        by_x = np.stack([inverse, zero, x * inverse**2], axis=1)
        by_y = np.stack([zero, inverse, y * inverse**2], axis=1)
        jacobian = np.concatenate(
            [np.concatenate([by, np.cross(turned, by)], axis=1) for by in (by_x, by_y)]
        )
        step = np.linalg.lstsq(jacobian, -residual.T.ravel(), rcond=None)[0]
        translation = translation + step[:3]
        rotation = _rotation(step[3:]) @ rotation
        if np.abs(step[3:]).max() < 1e-6:
            break
    return HeadPose(
        rotation_xyzw=quaternion_from_matrix(rotation).astype(np.float32),
        translation_m=(translation * METRES_PER_UNIT).astype(np.float32),
    )


def _rotation(vector: Float64Array) -> Float64Array:
    """(3, 3) of a rotation vector (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1.0 - np.cos(angle)) * k @ k)
