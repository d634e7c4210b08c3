"""Another person's eyelids: they lie on that person's eyeballs, and meet when the eyes close.

A template's identities widen and narrow the eyes, but its blink travels as far as ever: added up,
lids gape, or the eyeball comes through them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.anatomy.lid_edges import clearance
from mien_training.head import Template
from mien_training.rendering.noise import smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame

__all__ = ["lids_on_eyeballs"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_ZONE = 1.8
"""How far the lids reach from the eyeball's centre, in its radii."""
_MARGIN_M = 0.0004
"""Skin that lies closer to the template's eyeball than this comes no closer to the person's."""
_SHARED_M = 0.0025
"""Closed lids that lie this near each other become one surface."""
_MOVING_M = 1e-4


def lids_on_eyeballs(
    template: Template, neutral: Float32Array, deltas: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """`neutral` (V, 3) and `deltas` (K, V, 3) of another person with the skin by the eyes mended.

    Exactly as given for the template's own neutral and shapes. Shapes change only where the
    template's move. Metres, rig space.
    """
    neutral, deltas = neutral.copy(), deltas.copy()
    eyes = template.regions["eyes"]
    frame = FaceFrame.of(template, template.vertices)
    own = FaceFrame.of(template, neutral)
    for side, name in enumerate(("eyeBlinkLeft", "eyeBlinkRight")):
        ball = np.flatnonzero(eyes & ((template.vertices[:, 0] > 0) == (side == 0)))
        away = np.linalg.norm(template.vertices - frame.eyes[side], axis=1) / frame.eye_radius
        skin = np.flatnonzero(template.regions["skin"] & (away < _ZONE))
        before, after = (frame.eyes[side], ball, skin), (own.eyes[side], ball, skin)
        neutral[skin] += _lift(before, template.vertices, after, neutral)
        if name in template.shape_names:
            k = template.shape_names.index(name)
            share = 1 - smoothstep(1.3, _ZONE, away[skin])
            wanted = _closed(template, k, neutral, skin)
            deltas[k, skin] += share[:, None] * (wanted - deltas[k, skin])
        for k, shape in enumerate(template.shape_deltas):
            moving = np.linalg.norm(shape[skin], axis=1) > _MOVING_M
            if moving.any():
                lift = _lift(before, template.vertices + shape, after, neutral + deltas[k])
                deltas[k, skin] += lift * moving[:, None]
    return neutral, deltas


def _closed(
    template: Template, k: int, neutral: Float32Array, skin: NDArray[np.int64]
) -> Float32Array:
    """(N, 3) blink of `skin`: as the template's closed lids, moved by what neighbours there share.

    Vertices far apart in the open eye meet in the closed one, and have to be moved alike.
    """
    blink = template.shape_deltas[k, skin]
    closed = template.vertices[skin] + blink
    change = neutral[skin] - template.vertices[skin]
    square = np.square(closed[:, None].astype(np.float64) - closed).sum(2)
    weight = np.exp(-0.5 * square / _SHARED_M**2)
    # Skin that does not move stays where it is, and its neighbours fall in with it.
    travel = smoothstep(0.0, 5e-4, np.linalg.norm(blink, axis=1))[:, None]
    shared = weight @ change / weight.sum(1, keepdims=True)
    return np.asarray(blink + travel * (shared - change), np.float32)


def _lift(
    before: tuple[Float32Array, NDArray[np.int64], NDArray[np.int64]],
    template: Float32Array,
    after: tuple[Float32Array, NDArray[np.int64], NDArray[np.int64]],
    person: Float32Array,
) -> Float32Array:
    """(N, 3) displacement of the skin away from the eyeball's centre, where it came too close."""
    needed, _ = _above(*before, template)
    there, outwards = _above(*after, person)
    lift = np.maximum(np.minimum(needed, _MARGIN_M) - there, 0.0)
    return np.asarray(lift[:, None] * outwards, np.float32)


def _above(
    centre: Float32Array, ball: NDArray[np.int64], skin: NDArray[np.int64], points: Float32Array
) -> tuple[Float64Array, Float64Array]:
    """(N,) distance of the skin from the eyeball's surface, along (N, 3) rays from its centre."""
    surface, at = (points[rows].astype(np.float64) - centre for rows in (ball, skin))
    return clearance(surface, at), at / np.linalg.norm(at, axis=1, keepdims=True)
