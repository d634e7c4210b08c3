"""Driver features: what the animator is given of a tracked face, by group and in a named order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.errors import ChannelError, InputError
from mien.rotation import rotation_vector_from_quaternion
from mien.tracker.face_track import FaceTrack
from mien.tracker.pose import align_to_canonical

__all__ = [
    "FEATURE_GROUPS",
    "LARGEST_FEATURE",
    "FeatureLayout",
    "driver_features",
    "estimate_neutral",
    "is_bounded",
    "subtract_neutral",
]

Float32Array = NDArray[np.float32]

FEATURE_GROUPS = {
    "scores": 52,
    "landmarks": 1434,
    "deep": 512,
    "deep_map": 2048,
    "head_rotation": 3,
}
"""Group -> size. `landmarks`: (478, 3) centimetres on the canonical face, head pose removed, point
by point; `head_rotation`: rotation vector, radians; the others as in FaceTrack."""

LARGEST_FEATURE = 1e6
"""No feature (pixels, centimetres, radians) is larger; beyond it differences could overflow."""

_POSE_GROUP = "head_rotation"
_NEUTRAL_SHARE = 10


@dataclass(frozen=True)
class FeatureLayout:
    """Which groups a feature vector holds, in order.

    Raises ChannelError for unknown and for duplicate groups.
    """

    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        unknown = [group for group in self.groups if group not in FEATURE_GROUPS]
        if unknown:
            raise ChannelError(
                f"unknown feature groups {unknown}; there are {list(FEATURE_GROUPS)}"
            )
        if not self.groups or len(set(self.groups)) != len(self.groups):
            raise ChannelError(f"feature groups {self.groups}: expected one or more, each once")

    @cached_property
    def size(self) -> int:
        """F, the length of a feature vector."""
        return sum(FEATURE_GROUPS[group] for group in self.groups)

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Group -> its part of a feature vector."""
        parts, start = {}, 0
        for group in self.groups:
            parts[group] = slice(start, start + FEATURE_GROUPS[group])
            start += FEATURE_GROUPS[group]
        return parts

    @property
    def names_and_sizes(self) -> tuple[tuple[str, int], ...]:
        """The groups in order, each with its size."""
        return tuple((group, FEATURE_GROUPS[group]) for group in self.groups)

    def check(self, features: NDArray[np.floating], name: str) -> None:
        """Raise InputError unless the last axis of `features` is this layout's."""
        if features.ndim == 0 or features.shape[-1] != self.size:
            raise InputError(
                f"{name} has shape {features.shape}, expected (..., {self.size}) for {self.groups}"
            )


def is_bounded(values: NDArray[np.floating]) -> bool:
    """Whether all values are finite and within +-LARGEST_FEATURE."""
    return bool((np.abs(values) <= LARGEST_FEATURE).all())


def driver_features(track: FaceTrack, layout: FeatureLayout) -> Float32Array:
    """(F,) raw features of one tracked face: the neutral is still in them."""
    parts = []
    for group in layout.groups:
        if group == "landmarks":
            parts.append(align_to_canonical(track.landmarks).ravel())
        elif group == _POSE_GROUP:
            parts.append(rotation_vector_from_quaternion(track.head_rotation_xyzw))
        else:
            parts.append(getattr(track, group))
    return np.concatenate(parts).astype(np.float32)


def subtract_neutral(
    features: NDArray[np.floating], neutral: NDArray[np.floating], layout: FeatureLayout
) -> Float32Array:
    """(..., F) features minus the face's own neutral (F,); the head's rotation stays raw.

    A face's shape shows in every group; where it looks shows in the rotation alone, and that has
    the same meaning for everybody.
    """
    layout.check(features, "features")
    layout.check(neutral, "neutral")
    difference = np.asarray(features - neutral, np.float32)
    if _POSE_GROUP in layout.slices:
        pose = layout.slices[_POSE_GROUP]
        difference[..., pose] = features[..., pose]
    return difference


def estimate_neutral(frames: NDArray[np.floating], layout: FeatureLayout) -> Float32Array:
    """(F,) neutral of a recording (T, F): the median of its least expressive frontal frames.

    Among the half of the frames that look most straight into the camera, the tenth of the
    recording (at least one frame) with the least expression: the smallest sum of scores, or,
    for a layout without scores, the smallest distance from the recording's own median face.
    Raises InputError for no frames or values that are not finite.
    """
    layout.check(frames, "frames")
    if frames.ndim != 2 or not len(frames):
        raise InputError(
            f"estimate_neutral: frames have shape {frames.shape}, expected (T, F) with T >= 1"
        )
    if not np.isfinite(frames).all():
        raise InputError("estimate_neutral: frames are not finite")
    values = np.asarray(frames, np.float64)
    if _POSE_GROUP in layout.slices:
        turn = np.linalg.norm(values[:, layout.slices[_POSE_GROUP]], axis=1)
        values = values[np.argsort(turn, kind="stable")[: -(-len(values) // 2)]]
    order = np.argsort(_expression(values, layout), kind="stable")
    least = values[order[: max(len(frames) // _NEUTRAL_SHARE, 1)]]
    return np.median(least, axis=0).astype(np.float32)


def _expression(values: NDArray[np.float64], layout: FeatureLayout) -> NDArray[np.float64]:
    """(T,) how much expression each frame (T, F) shows, in no unit."""
    if "scores" in layout.slices:
        scores = values[:, layout.slices["scores"]]
        return np.asarray(scores[:, 1:].sum(axis=1))  # the first, _neutral, says nothing
    total = np.zeros(len(values))
    for group, part in layout.slices.items():
        if group == _POSE_GROUP:
            continue
        # Each group weighs alike, whatever its unit and size.
        away = np.linalg.norm(values[:, part] - np.median(values[:, part], axis=0), axis=1)
        total += away / max(float(np.median(away)), 1e-9)
    return total
