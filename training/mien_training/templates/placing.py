"""Joints, skinning weights and the head's own frame, for heads that come without a skeleton."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.frame import LOOK_RAD
from mien.rig import JOINT_NAMES, Joint
from mien_training.geometry.alignment import fit_alignment

__all__ = [
    "Placing", "fit_sphere", "place_by_eyes", "sphere_centre", "turn_eyeball",
    "without_rigid_motion",
]  # fmt: skip

Float64Array = NDArray[np.float64]

# An average adult head, metres from the base of the neck; scaled by the distance of the eyes.
_EYE = np.array([0.0295, 0.1372, 0.1118])
_NECK = np.array([0.0, 0.0292, 0.0089])
_HEAD = np.array([0.0, 0.0970, 0.0344])
_JAW = np.array([0.0, 0.1036, 0.0500])
_THROAT_TILT = 0.3
"""Chin and nape are of equal height y + tilt * z: there the head begins."""


@dataclass(frozen=True, eq=False)
class Placing:
    """Where a head's joints are, in rig space."""

    origin: Float64Array
    """(3,) base of the neck in the source's space, metres: rig = source - origin."""
    joints: tuple[Joint, ...]
    joint_weights: NDArray[np.float32]
    """(V, 5), rows sum to 1."""
    jaw_pivot: tuple[float, float, float]
    scale: float
    """Size in average adult heads, by the distance of the eyes."""


def fit_sphere(points: Float64Array) -> tuple[Float64Array, float]:
    """(3,) centre and radius of the sphere that fits (N, 3) points best (algebraically)."""
    origin = points.mean(0)  # far from zero the equations lose digits
    at = points - origin
    a = np.concatenate([2 * at, np.ones((len(at), 1))], 1)
    solution = np.linalg.lstsq(a, (at**2).sum(1), rcond=None)[0]
    centre = solution[:3]
    return origin + centre, float(np.sqrt(max(solution[3] + centre @ centre, 0.0)))


def sphere_centre(points: Float64Array) -> Float64Array:
    """(3,) centre of the sphere that fits (N, 3) points best (algebraic least squares)."""
    a = np.concatenate([2 * points, np.ones((len(points), 1))], 1)
    return np.asarray(np.linalg.lstsq(a, (points**2).sum(1), rcond=None)[0][:3])


def place_by_eyes(
    vertices: Float64Array, eyeballs: tuple[NDArray[np.int64], NDArray[np.int64]],
    bound: NDArray[np.bool_],
) -> Placing:  # fmt: skip
    """Joints of an average adult, placed and scaled by the two eyeballs.

    `vertices` (V, 3) metres, source space, +Y up, +Z forward; `eyeballs` the vertices of the left
    and of the right one; `bound` (V,) what hangs on the head alone (teeth, tongue, mouth).
    """
    left, right = (_eye_centre(vertices[ball]) for ball in eyeballs)
    scale = float(np.linalg.norm(left - right)) / (2 * _EYE[0])
    origin = (left + right) / 2 - _EYE * [0, 1, 1] * scale
    places = (np.zeros(3), _NECK * scale, _HEAD * scale, left - origin, right - origin)
    joints = tuple(
        Joint(name, parent, (float(at[0]), float(at[1]), float(at[2])))
        for name, parent, at in zip(JOINT_NAMES, (-1, 0, 1, 2, 2), places, strict=True)
    )
    at = (vertices - origin) / scale
    head = _smooth_step(at[:, 1] + _THROAT_TILT * at[:, 2], 0.030, 0.075)
    head[bound] = 1
    root = (1 - head) * _smooth_step(-at[:, 1], -_NECK[1], 0.0)
    weights = np.zeros((len(vertices), len(JOINT_NAMES)))
    weights[:, 0], weights[:, 1], weights[:, 2] = root, 1 - head - root, head
    for ball, joint in zip(eyeballs, (3, 4), strict=True):
        weights[ball] = np.eye(len(JOINT_NAMES))[joint]
    x, y, z = (float(c) for c in _JAW * scale)
    return Placing(origin, joints, weights.astype(np.float32), (x, y, z), scale)


def without_rigid_motion(
    vertices: Float64Array, deltas: Float64Array, skull: NDArray[np.bool_]
) -> Float64Array:
    """(K, V, 3) deltas of shapes that leave the `skull` vertices (V,) where they are.

    The rigid motion that best explains what the skull does is taken back from the whole shape;
    shapes that leave it alone come back untouched.
    """
    out = deltas.copy()
    for k, delta in enumerate(deltas):
        if np.abs(delta[skull]).max(initial=0.0) < 1e-4:
            continue
        moved = fit_alignment(vertices[skull], vertices[skull] + delta[skull])
        out[k] = (vertices + delta - moved.translation) @ moved.rotation - vertices
    return out


def turn_eyeball(
    neutral: Float64Array, ball: NDArray[np.int64], side: str, names: tuple[str, ...],
    deltas: Float64Array,
) -> None:  # fmt: skip
    """Write the eyeball's own turn into its eyeLook shapes, for a source that moves only the lids.

    neutral (V, 3) metres; `ball` its vertices; `side` Left or Right; `names` of the K shapes, of
    which those that are there are written; deltas (K, V, 3), changed in place.
    """
    points = neutral[ball]
    centre = _eye_centre(points)
    inwards = -1.0 if side == "Left" else 1.0  # the left eye is at +x
    for direction, angle in LOOK_RAD.items():
        if f"eyeLook{direction}{side}" not in names:
            continue
        vertical = direction in ("Up", "Down")
        sign = {"In": inwards, "Out": -inwards, "Up": -1.0, "Down": 1.0}[direction]
        c, s = np.cos(sign * angle), np.sin(sign * angle)
        turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) if vertical else (
            np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        )  # fmt: skip
        k = names.index(f"eyeLook{direction}{side}")
        deltas[k, ball] = (points - centre) @ turn.T + centre - points


def _eye_centre(ball: Float64Array) -> Float64Array:
    """Centre of an eyeball from its rear: the cornea bulges. Flat eyes turn a radius behind."""
    rear = ball[ball[:, 2] < np.quantile(ball[:, 2], 0.7)]
    low, high = ball.min(0), ball.max(0)
    half = 0.5 * float((high - low)[:2].max())
    centre = sphere_centre(rear) if len(rear) >= 4 else ball.mean(0)
    if np.linalg.norm(centre - 0.5 * (low + high)) < 2 * half:
        return centre
    return np.asarray([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), high[2] - half])


def _smooth_step(x: Float64Array, low: float, high: float) -> Float64Array:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
