"""A captured take made steady: skull's poses, then pose and shape smoothed apart."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.capture.over_time.pose_filter import (
    PoseSmoothing,
    PoseState,
    middle_pose,
    smooth_pose,
)
from mien_training.capture.over_time.shape_filter import (
    ShapeSmoothing,
    SmoothedMesh,
    smooth_shape,
)
from mien_training.capture.over_time.skull_poses import align_to_skull, skull_poses
from mien_training.capture.over_time.skull_weights import skull_weights
from mien_training.capture.over_time.vector_filter import VectorState
from mien_training.footage.captured import CapturedMeshes
from mien_training.head import Template

__all__ = ["MomentState", "TakeSmoother", "TimeConfig", "smooth_take"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_SHORTEST_S = 1e-3
"""Moments closer in time count as so far apart."""
_LEAST_TRUST = 0.05
"""Of a skull's vertex without confidence, beside one with: hair may cover all of it."""


@dataclass(frozen=True)
class TimeConfig:
    """How a take is smoothed over time."""

    mode: Literal["zero-lag", "causal"] = "zero-lag"
    """zero-lag: with what comes after as well, for takes; causal: with what was before alone, as
    live; it lags by what `FilterSettings.lag_s` says."""
    pose: PoseSmoothing = field(default_factory=PoseSmoothing)
    """Of the head's rigid motion."""
    shape: ShapeSmoothing = field(default_factory=ShapeSmoothing)
    """Of the face's own motion."""

    def __post_init__(self) -> None:
        if self.mode not in ("zero-lag", "causal"):
            raise InputError(f"TimeConfig: mode {self.mode!r}, expected zero-lag or causal")


@dataclass(frozen=True, eq=False)
class MomentState:
    """What the causal smoother remembers of the moments before."""

    time_s: float
    """Of the last moment that was believed."""
    skull: Float64Array
    """(S, 3) mean so far, head coordinates, metres."""
    count: int
    """Moments in it."""
    pose: PoseState
    shape: VectorState


@dataclass(frozen=True, eq=False)
class TakeSmoother:
    """What smoothing knows of a template."""

    mesh: SmoothedMesh
    members: NDArray[np.int64]
    """(S,) vertices of the skull."""
    weights: Float64Array
    """(S,) above 0."""

    @classmethod
    def of(cls, template: Template) -> TakeSmoother:
        """Raises InputError for a template without a skull (`skull_weights`)."""
        weights = skull_weights(template)
        members = np.flatnonzero(weights > 0)
        return cls(SmoothedMesh.of(template), members, weights[members].astype(np.float64))

    def step(
        self,
        vertices: Float32Array,
        world_from_head: Float64Array,
        confidence: NDArray[np.floating],
        time_s: float,
        state: MomentState | None,
        config: TimeConfig,
    ) -> tuple[Float64Array, Float64Array, MomentState]:
        """Smoothed vertices (V, 3), world, and pose (4, 4) of one more moment that is believed.

        The pose is read from the skull as seen so far; of the first moment it is
        `world_from_head`. State is argument and result: a take goes through moment by moment.
        """
        at = np.asarray(vertices, np.float64)
        trust = self.weights * _trusted(confidence[self.members])
        skull, count = (None, 0) if state is None else (state.skull, state.count)
        pose = np.asarray(world_from_head, np.float64)
        if skull is not None:
            pose = align_to_skull(at[None, self.members], skull, trust)[0]
        own = (at - pose[:3, 3]) @ pose[:3, :3]
        seen = own[self.members]
        skull = seen if skull is None else skull + (seen - skull) / (count + 1)
        last = (None, None) if state is None else (state.pose, state.shape)
        dt_s = 1.0 if state is None else max(time_s - state.time_s, _SHORTEST_S)
        smooth, pose_state = smooth_pose(pose, dt_s, last[0], config.pose)
        shape, shape_state = smooth_shape(own, confidence, dt_s, last[1], self.mesh, config.shape)
        placed = shape @ smooth[:3, :3].T + smooth[:3, 3]
        return placed, smooth, MomentState(time_s, skull, count + 1, pose_state, shape_state)


def smooth_take(
    meshes: CapturedMeshes, smoother: TakeSmoother, config: TimeConfig | None = None
) -> CapturedMeshes:
    """The take with smoothed vertices and poses.

    Moments that failed have no say. In zero-lag mode they are put between the moments around them,
    in causal mode the last moment stays; they keep their failure, and their confidence is 0.
    Failed moments before the first good one stay as they are in causal mode. Raises InputError
    where every moment failed, or for meshes of another template.
    """
    config = config or TimeConfig()
    if meshes.vertices.shape[1] != len(smoother.mesh.quick):
        raise InputError(
            f"smooth_take: meshes of {meshes.vertices.shape[1]} vertices, expected "
            f"{len(smoother.mesh.quick)}: those of another template"
        )
    good = np.flatnonzero(meshes.good)
    if not len(good):
        first = next(iter(meshes.failure), "there is none")
        raise InputError(f"smooth_take: no moment is to be believed ({first}), expected some")
    some = meshes.take(good)
    work = _causal if config.mode == "causal" else _zero_lag
    vertices, poses = work(some, smoother, config)
    filled = _held if config.mode == "causal" else _between
    vertices, poses = filled(meshes, good, vertices, poses)
    confidence = np.where(meshes.good[:, None], meshes.confidence, np.float16(0))
    return replace(meshes, vertices=vertices, world_from_head=poses, confidence=confidence)


def _causal(
    some: CapturedMeshes, smoother: TakeSmoother, config: TimeConfig
) -> tuple[Float32Array, Float64Array]:
    vertices, poses = np.empty_like(some.vertices), np.empty_like(some.world_from_head)
    state: MomentState | None = None
    for t in range(len(some)):
        placed, pose, state = smoother.step(
            some.vertices[t], some.world_from_head[t], some.confidence[t], float(some.time_s[t]),
            state, config,
        )  # fmt: skip
        vertices[t], poses[t] = placed, pose
    return vertices, poses


def _zero_lag(
    some: CapturedMeshes, smoother: TakeSmoother, config: TimeConfig
) -> tuple[Float32Array, Float64Array]:
    """Means of filters that run forwards and backwards: one is as late as the other is early."""
    trust = smoother.weights * _trusted(some.confidence[:, smoother.members])
    skull = some.vertices[:, smoother.members]
    raw, _ = skull_poses(skull, some.world_from_head, trust)
    turn = raw[:, :3, :3].astype(np.float32)
    own = np.asarray((some.vertices - raw[:, None, :3, 3].astype(np.float32)) @ turn, np.float32)
    wait = np.maximum(np.diff(some.time_s), _SHORTEST_S)
    ahead_pose, ahead = _pass(raw, own, some.confidence, wait, smoother, config)
    back_pose, back = _pass(
        raw[::-1], own[::-1], some.confidence[::-1], wait[::-1], smoother, config
    )
    poses = np.stack([middle_pose(a, b) for a, b in zip(ahead_pose, back_pose[::-1], strict=True)])
    shape = 0.5 * (ahead + back[::-1])
    turn = poses[:, :3, :3].transpose(0, 2, 1).astype(np.float32)
    return np.asarray(shape @ turn + poses[:, None, :3, 3].astype(np.float32)), poses


def _pass(
    raw: Float64Array,
    own: Float32Array,
    confidence: NDArray[np.floating],
    wait_s: Float64Array,
    smoother: TakeSmoother,
    config: TimeConfig,
) -> tuple[Float64Array, Float32Array]:
    """Poses (T, 4, 4) and shapes (T, V, 3) filtered in the order given; wait_s (T - 1,)."""
    poses, shapes = np.empty_like(raw), np.empty_like(own)
    pose_state: PoseState | None = None
    shape_state: VectorState | None = None
    for t, dt_s in enumerate([1.0, *wait_s.tolist()]):
        poses[t], pose_state = smooth_pose(raw[t], dt_s, pose_state, config.pose)
        shapes[t], shape_state = smooth_shape(
            own[t], confidence[t], dt_s, shape_state, smoother.mesh, config.shape
        )
    return poses, shapes


def _trusted(confidence: NDArray[np.floating]) -> Float64Array:
    return np.asarray(_LEAST_TRUST + (1 - _LEAST_TRUST) * confidence.astype(np.float64))


def _held(
    meshes: CapturedMeshes, good: NDArray[np.int64], vertices: Float32Array, poses: Float64Array
) -> tuple[Float32Array, Float64Array]:
    """All moments: those that failed as the last good one before."""
    before = np.searchsorted(good, np.arange(len(meshes)), side="right") - 1
    early = before < 0
    filled, placed = vertices[before], poses[before]
    filled[early], placed[early] = meshes.vertices[early], meshes.world_from_head[early]
    return filled, placed


def _between(
    meshes: CapturedMeshes, good: NDArray[np.int64], vertices: Float32Array, poses: Float64Array
) -> tuple[Float32Array, Float64Array]:
    """All moments: those that failed between the good ones around, in pose and in shape."""
    after = np.searchsorted(good, np.arange(len(meshes))).clip(max=len(good) - 1)
    filled, placed = vertices[after], poses[after]
    for t in np.flatnonzero(~meshes.good):
        second = int(after[t])
        first = second if good[second] < t else max(second - 1, 0)
        ends = meshes.time_s[good[[first, second]]]
        span = ends[1] - ends[0]
        share = float(np.clip((meshes.time_s[t] - ends[0]) / span, 0, 1)) if span > 0 else 0.0
        pose = middle_pose(poses[first], poses[second], share)
        own = [
            (vertices[k] - poses[k, :3, 3]) @ poses[k, :3, :3] for k in (first, second)
        ]  # in head coordinates
        shape = (1 - share) * own[0] + share * own[1]
        filled[t], placed[t] = shape @ pose[:3, :3].T + pose[:3, 3], pose
    return filled, placed
