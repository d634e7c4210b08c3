"""Head poses smoothed: the middle of the head as a point, its turning as rotations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.capture.over_time.vector_filter import (
    FilterSettings,
    low_pass_share,
    one_euro_step,
)

__all__ = ["PoseSmoothing", "PoseState", "middle_pose", "smooth_pose"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class PoseSmoothing:
    """How the head's rigid motion is smoothed."""

    place: FilterSettings = field(
        default_factory=lambda: FilterSettings(1.5, 600.0, quiet=0.003, derivative_cutoff_hz=1.0)
    )
    """Of the middle of the head; units are metres."""
    turn: FilterSettings = field(
        default_factory=lambda: FilterSettings(1.5, 60.0, quiet=0.03, derivative_cutoff_hz=1.0)
    )
    """Of its rotation; units are radians."""


@dataclass(frozen=True, eq=False)
class PoseState:
    """What the filter remembers of the moment before."""

    raw: Float64Array
    """(4, 4) as it came in."""
    smooth: Float64Array
    """(4, 4) as it went out."""
    place_speed: Float64Array
    """(3,) of the middle of the head, metres a second, world."""
    turn_speed: Float64Array
    """(3,) radians a second about an axis of the world."""


def smooth_pose(
    world_from_head: ArrayLike, dt_s: float, state: PoseState | None, config: PoseSmoothing
) -> tuple[Float64Array, PoseState]:
    """Smooth a pose (4, 4) that comes `dt_s` seconds after the one in `state`.

    Without a state it passes. One-Euro with the length of the velocity as its speed, over the
    middle of the head and over rotations: a rigid motion of the world moves the result along.
    Raises InputError for another shape, numbers that are not finite, or a dt_s not above 0.
    """
    pose = np.asarray(world_from_head, np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise InputError(f"smooth_pose: world_from_head {pose.shape}, expected (4, 4), finite")
    if state is None:
        return pose, PoseState(pose, pose, np.zeros(3), np.zeros(3))
    moved = _middle(pose) - _middle(state.raw)
    place_speed, cutoff = one_euro_step(moved, dt_s, state.place_speed, config.place)
    place = _middle(state.smooth)
    place = place + low_pass_share(cutoff, dt_s) * (_middle(pose) - place)
    turned = _turn_between(state.raw, pose)
    turn_speed, cutoff = one_euro_step(turned, dt_s, state.turn_speed, config.turn)
    smooth = _turned(state.smooth, low_pass_share(cutoff, dt_s) * _turn_between(state.smooth, pose))
    smooth = _with_middle(smooth, place)
    return smooth, PoseState(pose, smooth, place_speed, turn_speed)


def middle_pose(first: Float64Array, second: Float64Array, share: float = 0.5) -> Float64Array:
    """(4, 4) the pose that lies `share` of the way from one (4, 4) to the other."""
    place = (1 - share) * _middle(first) + share * _middle(second)
    return _with_middle(_turned(first, share * _turn_between(first, second)), place)


def _middle(pose: Float64Array) -> Float64Array:
    """(3,) of the head, world."""
    return np.asarray(pose[:3, :3] @ HEAD_CENTRE + pose[:3, 3])


def _with_middle(pose: Float64Array, middle: Float64Array) -> Float64Array:
    found = pose.copy()
    found[:3, 3] = middle - pose[:3, :3] @ HEAD_CENTRE
    return found


def _turn_between(first: Float64Array, second: Float64Array) -> Float64Array:
    """(3,) rotation vector in the world that takes the first's axes to the second's."""
    return np.asarray(Rotation.from_matrix(second[:3, :3] @ first[:3, :3].T).as_rotvec())


def _turned(pose: Float64Array, vector: Float64Array) -> Float64Array:
    found = pose.copy()
    found[:3, :3] = Rotation.from_rotvec(vector).as_matrix() @ pose[:3, :3]
    return found
