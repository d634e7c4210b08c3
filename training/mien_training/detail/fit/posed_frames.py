"""Frames of a known head, posed: those that tell most about its skin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.fit.face_pose import FacePose, pose_face
from mien_training.footage.observations import CameraRecording
from mien_training.head import Template
from mien_training.head.landmark_sets import SKIN_LANDMARK_COUNT
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["LEAST_FACE_PX", "PosedFrames", "most_different", "pose_frames"]

Float32Array = NDArray[np.float32]

LEAST_FACE_PX = 128
MOST_MISFIT = 0.04
"""Root mean square distance of a head's points from the tracker's, of the face's height, beyond
which the head does not follow the face: turned far away, or of another make. Other people's
blendshapes mostly follow (`same_person` tells them)."""
_FEWEST, _SOME, _TURNS = 4, 24, 3
"""Frames from which on, and at most, points' misplacement is found; how often."""
_WELL = 0.005
"""Misfit below which no frame is left out, however well the others fit."""


@dataclass(frozen=True, eq=False)
class PosedFrames:
    """E frames of C recordings."""

    images: Tensor
    """(E, S, S, 3) uint8 sRGB."""
    views: CameraBatch
    camera: Tensor
    """(E,) int64"""
    vertices: Tensor
    """(E, V, 3) in the world, metres."""
    weights: Float32Array
    """(E, K)"""
    misfit: float
    """Median over all frames of how far the head's points are from the tracker's, of the face's
    height."""


def pose_frames(
    person: Template, recordings: list[CameraRecording], names: list[str], most: int,
    report: Report = silent, warn: Callable[[str], None] = lambda message: None,
) -> PosedFrames:  # fmt: skip
    """Pose the head in every frame with a face, and keep at most `most` that differ most in
    expression and turn. Files in which the face is below 128 pixels, or in which the head does not
    fit it, are left out, and `warn` is told; raises InputError, naming them, where none is left.
    """
    refused: list[str] = []
    found: list[tuple[int, int, FacePose]] = []
    few = [r for r in recordings if len(_shown(r)) < _FEWEST]
    of_stills = _misplaced(person, few)
    total = sum(len(r.times_s) for r in recordings)
    done = 0
    for c, (recording, name) in enumerate(zip(recordings, names, strict=True)):
        poses = []
        few_frames = len(_shown(recording)) < _FEWEST
        misplaced = of_stills if few_frames else _misplaced(person, [recording])
        for t in _shown(recording):
            assert recording.points is not None
            pose = pose_face(person, recording.camera, recording.points[t], misplaced)
            poses.append((c, int(t), pose))
            done += 1
            report(Progress("posing the head", done, total))
        if not poses:
            refused.append(f"{name}: shows no face")
            continue
        face_px = float(np.median([pose.face_px for _, _, pose in poses]))
        if face_px < LEAST_FACE_PX:
            refused.append(
                f"{name}: the face is {face_px:.0f} pixels high, expected at least "
                f"{LEAST_FACE_PX}: come closer to the camera, or give a larger --size"
            )
            continue
        misfit = float(np.median([pose.misfit for _, _, pose in poses]))
        if misfit > MOST_MISFIT:
            refused.append(
                f"{name}: the rig's face does not fit the one in the footage: "
                f"{100 * misfit:.1f} % of its height apart, expected at most "
                f"{100 * MOST_MISFIT:.1f} %; is it another person than the rig's, or turned away?"
            )
            continue
        found += poses
    if not found:
        raise InputError("; ".join(refused))
    for reason in refused:
        warn(f"{reason}; left out")
    every = [pose for _, _, pose in found]
    chosen = [
        found[i]
        for i in most_different(
            np.stack([pose.weights for pose in every]),
            np.stack([pose.world_from_rig[:3, :3].ravel() for pose in every]),
            np.array([pose.misfit for pose in every]),
            most,
        )
    ]
    rotations = np.stack([pose.world_from_rig for _, _, pose in chosen])
    weights = np.stack([pose.weights for _, _, pose in chosen])
    local = person.vertices + np.tensordot(weights, person.shape_deltas, 1)
    world = np.einsum("exy,evy->evx", rotations[:, :3, :3], local) + rotations[:, None, :3, 3]
    return PosedFrames(
        torch.from_numpy(np.stack([recordings[c].images[t] for c, t, _ in chosen])),
        CameraBatch.of([r.camera for r in recordings]),
        torch.tensor([c for c, _, _ in chosen]),
        torch.from_numpy(world.astype(np.float32)),
        weights,
        float(np.median([pose.misfit for pose in every])),
    )


def _shown(recording: CameraRecording) -> NDArray[np.intp]:
    """Frames with a face."""
    points = recording.points
    assert points is not None  # read_recording tracks
    return np.flatnonzero(np.isfinite(points).all((1, 2)))


def _misplaced(person: Template, recordings: list[CameraRecording]) -> NDArray[np.float64] | None:
    """(468, 2) how far the tracker always puts its points from where they are on this person, in
    parts of the face's height: what posing leaves, in the median of some frames. None of too few:
    one image does not tell a misplaced point from an expression."""
    frames = [(r, int(t)) for r in recordings for t in _shown(r)]
    if len(frames) < _FEWEST:
        return None
    some = [frames[i] for i in np.linspace(0, len(frames) - 1, min(len(frames), _SOME)).astype(int)]
    misplaced = np.zeros((SKIN_LANDMARK_COUNT, 2))
    for _ in range(_TURNS):
        left = []
        for recording, t in some:
            assert recording.points is not None
            pose = pose_face(person, recording.camera, recording.points[t], misplaced)
            left.append(pose.left)
        misplaced = misplaced + np.median(left, axis=0)
    return misplaced


def most_different(
    weights: NDArray[np.floating], turns: NDArray[np.floating], misfit: NDArray[np.floating],
    most: int,
) -> list[int]:  # fmt: skip
    """Indices of at most `most` of N frames, each as far from those before as any (Gonzalez 1985).

    weights (N, K); turns (N, 9) rotation matrices of the head; misfit (N,): frames in which the
    head fits badly are not taken. The first is the most neutral, and none is exactly like another.
    """
    limit = max(2 * float(np.median(misfit)), _WELL)
    kept = np.flatnonzero(misfit <= limit)
    features = np.concatenate([weights[kept], turns[kept]], axis=1)
    order = [int(np.argmin(weights[kept].sum(1)))]
    distance = np.linalg.norm(features - features[order[0]], axis=1)
    while len(order) < min(most, len(kept)):
        if not distance.max() > 0:
            break  # the rest are the same images again
        order.append(int(distance.argmax()))
        nearest = np.linalg.norm(features - features[order[-1]], axis=1)
        distance = np.minimum(distance, nearest)
    return [int(i) for i in kept[order]]
