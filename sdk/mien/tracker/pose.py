"""Where the head is: similarity alignment in 3-D, and the pose that a pinhole camera sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rotation import quaternion_from_matrix
from mien.tracker.canonical import METRES_PER_UNIT, canonical_vertices
from mien.tracker.landmark_sets import POSE_POINTS, RIGID_POINTS

__all__ = ["HeadPose", "align_to_canonical", "assumed_focal_px", "head_pose", "similarity"]

Float64Array = NDArray[np.float64]

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
    """Fit the canonical face to landmarks (478, 3) of a width x height image.

    A similarity in 3-D over POSE_POINTS gives the rotation relative to the line of sight, whatever
    the lens; the pinhole camera, principal point in the middle, then turns it to the camera's axes
    and gives the distance. (Fitting x and y by perspective alone was tried: without the net's
    depth, turns came out up to a quarter too small, and all of an unknown lens's error went into
    them.) Raises InputError for landmarks that are not finite or have no extent.
    """
    focal = assumed_focal_px(width, height) if focal_px is None else focal_px
    seen = np.asarray(landmarks, np.float64)[POSE_POINTS]
    if not np.isfinite(seen).all():
        raise InputError("head_pose: landmarks are not finite")
    scale, rotation, origin = similarity(
        canonical_vertices()[POSE_POINTS], (seen - (width / 2, height / 2, 0.0)) * _UP_FROM_DOWN
    )
    if not scale > 0:
        raise InputError("head_pose: landmarks have no extent")
    distance = focal / scale
    translation = distance * np.array([origin[0] / focal, origin[1] / focal, -1.0])
    rotation = _from_forward(translation) @ rotation
    return HeadPose(
        rotation_xyzw=quaternion_from_matrix(rotation).astype(np.float32),
        translation_m=(translation * METRES_PER_UNIT).astype(np.float32),
    )


def _from_forward(direction: Float64Array) -> Float64Array:
    """(3, 3) the smallest rotation that turns the camera's forward (0, 0, -1) to `direction`."""
    x, y, z = direction / np.linalg.norm(direction)
    # Forward cross direction is (y, -x, 0), their cosine is -z.
    k = np.array([[0.0, 0.0, -x], [0.0, 0.0, -y], [x, y, 0.0]])
    return np.asarray(np.eye(3) + k + k @ k / (1.0 - z))
