"""How another person's face moves: the template's shapes, bent by smooth seeded fields.

Amplitude and direction of every shape vary over the face, alike on both sides but not quite. What
anatomy joins stays joined: eyeballs turn as they did, the jaw swings as one with chin and teeth,
lids vary little, and mouthClose varies with the jawOpen that it undoes.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.channels import mirror_name
from mien.errors import InputError
from mien_training.head import Template
from mien_training.rendering.noise import smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.smooth_field import SmoothField

__all__ = ["field_points", "personal_deltas"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_LOG_AMPLITUDE = 0.25
"""Standard deviation of a shape's amplitude (as a logarithm) at strength 1."""
_TURN_RAD = 0.18
"""Standard deviation of each component of the rotation of its direction at strength 1."""
_AT_LIDS = 0.3
"""What is left of both right beside the eyeballs."""
_TOGETHER = {"mouthClose": "jawOpen"}
_BONE = ("jawForward", "jawLeft", "jawRight", "jawOpen")
_BONE_WAVELENGTH_M = (0.5, 1.0)
"""Fields of the jaw's shapes hardly differ over the chin, or the teeth would come through it."""
_MIRROR_POINT = np.array([-1.0, 1.0, 1.0])
_MIRROR_VALUES = np.array([1.0, 1.0, -1.0, -1.0])
"""Amplitude, then a rotation vector, which is axial: its other components change sign."""


def personal_deltas(
    template: Template, seed: int, strength: float = 1.0, asymmetry: float = 0.35
) -> Float32Array:
    """(K, V, 3) the template's shapes as a person `seed` would move, metres, rig space.

    Where the template's shape is zero so is the person's. strength 0 gives the template's shapes;
    at 1 amplitudes vary by a quarter and directions by some 15 degrees. `asymmetry` in 0..1 is the
    share of the field (by amplitude) that each side has to itself. Raises InputError outside.
    """
    if not (np.isfinite(strength) and strength >= 0):
        raise InputError(f"personal_deltas: strength {strength}, expected a number >= 0")
    if not 0 <= asymmetry <= 1:
        raise InputError(f"personal_deltas: asymmetry {asymmetry}, expected 0..1")
    places = field_points(template, template.vertices)
    amount = strength * _variation(template)
    result = template.shape_deltas.copy()
    for k, name in enumerate(template.shape_names):
        moved = np.flatnonzero((result[k] != 0).any(1) & (amount > 0))
        values = _field(_TOGETHER.get(name, name), seed, asymmetry, places[moved])
        values = 2 * np.tanh(values / 2) * amount[moved, None]  # no wild tails
        turn = Rotation.from_rotvec(_TURN_RAD * values[:, 1:])
        grown = np.exp(_LOG_AMPLITUDE * values[:, :1]) * result[k, moved]
        result[k, moved] = turn.apply(grown) if len(moved) else grown
    return result


def field_points(template: Template, vertices: Float32Array) -> Float64Array:
    """(V, 3) where a field is read for each of (V, 3) vertices, metres.

    Its own place, but one place for all of an eyeball and for all teeth: they stay what they are.
    """
    places = vertices.astype(np.float64)
    eyes = template.regions["eyes"]
    left = template.vertices[:, 0] > 0
    for part in (eyes & left, eyes & ~left, template.regions["teeth"]):
        if part.any():
            places[part] = places[part].mean(0)
    return places


def _field(name: str, seed: int, asymmetry: float, points: Float64Array) -> Float64Array:
    """(N, 4) log amplitude and rotation vector, each about standard normal."""
    other = mirror_name(name)
    first = min(name, other)
    wavelength = _BONE_WAVELENGTH_M if name in _BONE else (0.07, 0.16)
    shared = SmoothField(_generator(seed, first, 0), 4, *wavelength)
    sides = []
    if name == first:
        sides.append(shared(points))
    if other == first:
        sides.append(shared(points * _MIRROR_POINT) * _MIRROR_VALUES)
    common = np.mean(sides, axis=0)  # both for a shape of the middle
    own = SmoothField(_generator(seed, name, 1), 4, *wavelength)(points)
    return np.asarray(np.sqrt(1 - asymmetry**2) * common + asymmetry * own)


def _generator(seed: int, name: str, stream: int) -> np.random.Generator:
    """By the shape's name, so that a shape's field does not depend on which others there are."""
    return np.random.default_rng((seed, zlib.crc32(name.encode()), stream))


def _variation(template: Template) -> Float64Array:
    """(V,) 0 on the eyeballs, `_AT_LIDS` beside them, 1 away from them."""
    frame = FaceFrame.of(template, template.vertices)
    offsets = template.vertices[:, None] - frame.eyes
    distance = np.linalg.norm(offsets, axis=2).min(1) / frame.eye_radius
    variation = _AT_LIDS + (1 - _AT_LIDS) * smoothstep(1.2, 2.4, distance).astype(np.float64)
    return np.asarray(np.where(template.regions["eyes"], 0.0, variation))
