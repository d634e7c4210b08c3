"""Where a known head is in an image, and what its face does: from the tracker's points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from mien_training.cameras.camera import Camera
from mien_training.head import Template
from mien_training.head.landmark_sets import SKIN_LANDMARK_COUNT

__all__ = ["FacePose", "pose_face"]

Float64Array = NDArray[np.float64]
_SIGMA = 0.006
"""Spread of the tracker's points, of the face's height in pixels."""
_WEIGHT_SIGMA = 0.25
"""Spread of blendshape weights about 0; a loose hold on shapes that points do not tell apart."""
_LOSS_AT = 2.0
"""Deviations from which on a point counts less."""


@dataclass(frozen=True, eq=False)
class FacePose:
    """One image."""

    weights: NDArray[np.float32]
    """(K,) 0..1"""
    world_from_rig: Float64Array
    """(4, 4) rigid."""
    misfit: float
    """Root mean square distance of the head's points from the tracker's, of the face's height."""
    face_px: float
    """Height of the face, pixels."""
    left: Float64Array
    """(468, 2) from the head's points to the tracker's, in parts of the face's height; 0 where the
    head lacks a point."""


def pose_face(
    person: Template, camera: Camera, points: NDArray[np.floating],
    misplaced: NDArray[np.floating] | None = None,
) -> FacePose:  # fmt: skip
    """points (478, 2) of the tracker, pixels; misplaced (468, 2): how far it always puts each of
    them from where it is on this person, in parts of the face's height. The camera's distortion is
    not used."""
    skin = np.arange(SKIN_LANDMARK_COUNT)
    triangle = person.landmarks.triangle[skin]
    skin = skin[triangle >= 0]
    corners = person.triangles[person.landmarks.triangle[skin]]
    share = person.landmarks.barycentric[skin].astype(np.float64)
    rest = np.einsum("pc,pcx->px", share, person.vertices[corners])
    moves = np.einsum("pc,kpcx->kpx", share, person.shape_deltas[:, corners])
    seen = np.asarray(points[skin], np.float64)
    face_px = float(np.ptp(seen[:, 1]))
    tracked = seen
    if misplaced is not None:
        seen = seen - face_px * misplaced[skin]
    sigma = _SIGMA * max(face_px, 1.0)
    K, view = camera.K, camera.camera_from_world
    count = len(moves)
    by_point = np.ascontiguousarray(moves.transpose(1, 2, 0))
    hold = np.zeros((count, 6 + count))
    hold[:, 6:] = np.eye(count) / _WEIGHT_SIGMA

    def project(x: Float64Array) -> tuple[Float64Array, Float64Array, Float64Array]:
        turn = Rotation.from_rotvec(x[:3]).as_matrix()
        local = rest + np.tensordot(x[6:], moves, 1)
        at = (local @ turn.T + x[3:6]) @ view[:3, :3].T + view[:3, 3]
        depth = np.maximum(at[:, 2:], 1e-2)
        return (at / depth) @ K[:2].T, at, local

    def residual(x: Float64Array) -> Float64Array:
        apart = (project(x)[0] - seen) / sigma
        soft = apart / np.sqrt(1 + (apart / _LOSS_AT) ** 2)
        return np.concatenate([soft.ravel(), x[6:] / _WEIGHT_SIGMA])

    def slope(x: Float64Array) -> Float64Array:
        pixels, at, local = project(x)
        depth = np.maximum(at[:, 2], 1e-2)
        screen = np.zeros((len(at), 2, 3))
        screen[:, :, :2] = K[:2, :2] / depth[:, None, None]
        screen[:, :, 2] = -(at[:, :2] @ K[:2, :2].T) / depth[:, None] ** 2
        of_world = screen @ view[:3, :3]
        turn = Rotation.from_rotvec(x[:3]).as_matrix()
        turned = local @ turn.T
        step = 1e-6
        spins = [
            (local @ Rotation.from_rotvec(x[:3] + step * axis).as_matrix().T - turned) / step
            for axis in np.eye(3)
        ]
        of_turn = of_world @ np.stack(spins, -1)
        of_weights = of_world @ turn @ by_point
        apart = (pixels - seen) / sigma
        damp = (1 + (apart / _LOSS_AT) ** 2) ** -1.5 / sigma
        image = np.concatenate([of_turn, of_world, of_weights], -1) * damp[..., None]
        return np.concatenate([image.reshape(-1, 6 + count), hold])

    start = np.concatenate([_start(camera, rest, seen), np.full(count, 0.05)])
    low = np.concatenate([np.full(6, -np.inf), np.zeros(count)])
    high = np.concatenate([np.full(6, np.inf), np.ones(count)])
    found = least_squares(residual, start, slope, (low, high), max_nfev=60, x_scale="jac")
    pixels = project(found.x)[0]
    world_from_rig = np.eye(4)
    world_from_rig[:3, :3] = Rotation.from_rotvec(found.x[:3]).as_matrix()
    world_from_rig[:3, 3] = found.x[3:6]
    misfit = float(np.sqrt(((pixels - tracked) ** 2).sum(1).mean()) / max(face_px, 1.0))
    left = np.zeros((SKIN_LANDMARK_COUNT, 2))
    left[skin] = (seen - pixels) / max(face_px, 1.0)
    return FacePose(found.x[6:].astype(np.float32), world_from_rig, misfit, face_px, left)


def _start(camera: Camera, rest: Float64Array, seen: Float64Array) -> Float64Array:
    """(6,) facing the camera, as large and where the points are."""
    view = camera.camera_from_world
    upright = view[:3, :3].T @ np.diag([1.0, -1.0, -1.0])
    depth = camera.K[1, 1] * np.ptp(rest[:, 1]) / max(float(np.ptp(seen[:, 1])), 1.0)
    middle = seen.mean(0)
    at = np.linalg.solve(camera.K, np.array([middle[0], middle[1], 1.0])) * depth
    world = view[:3, :3].T @ (at - view[:3, 3])
    place = world - upright @ rest.mean(0)
    return np.concatenate([Rotation.from_matrix(upright).as_rotvec(), place])
