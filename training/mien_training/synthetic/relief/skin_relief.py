"""A synthetic person's skin relief: at rest, and what compression and stretch add to it.

Height along the normal, metres, positive outwards. Under a face's tension it is
`at_rest + compressed w_c + stretched w_s`, with w_c and w_s from 0 to 1 (HiFace, Chai et al. 2023,
section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.rendering.noise import SpaceNoise, smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_chart import FaceChart, along_line
from mien_training.rendering.relief.pores import pore_heights
from mien_training.synthetic.relief.creases import Crease, draw_creases

__all__ = ["ReliefMaps", "SkinRelief"]

Float32Array = NDArray[np.float32]

_REACH = 5.0
"""Widths of a crease beyond which it moves nothing."""
_BULGE = 0.3
"""Height of the bulges beside a crease, in its depths: skin that is folded in is not gone."""
_YOUNG = 0.35
"""Depth that compression adds in youth, in that of old age."""
_FILLED = (0.5, 0.8)
"""Share of a crease's depth at rest that stretch takes away, least and most of people."""


@dataclass(frozen=True, eq=False)
class ReliefMaps:
    """Heights at N places, metres along the normal."""

    at_rest: Float32Array
    """(N,)"""
    compressed: Float32Array
    """(N,) what full compression adds."""
    stretched: Float32Array
    """(N,) what full stretch adds."""

    def under(self, compression: Float32Array, stretch: Float32Array) -> Float32Array:
        """(N,) under (N,) compressions and stretches, 0..1."""
        added = compression * self.compressed + stretch * self.stretched
        return np.asarray(self.at_rest + added, np.float32)


@dataclass(frozen=True, eq=False)
class SkinRelief:
    """The relief of one person as a function of the place on their neutral."""

    frame: FaceFrame
    creases: tuple[Crease, ...]
    age: float
    """0 youth, 1 old age."""
    pores: float
    """Depth of pores on the nose, metres."""
    filled: float
    """Share of a crease's depth at rest that stretch takes away."""
    seed: int

    @classmethod
    def draw(cls, frame: FaceFrame, seed: int, age: float | None = None) -> SkinRelief:
        """A random person's, of a random age if None. Raises InputError for an age beyond 0..1."""
        rng = np.random.default_rng((seed, 47))
        drawn = float(rng.uniform())
        if age is None:
            age = drawn
        if not 0 <= age <= 1:
            raise InputError(f"SkinRelief: age {age}, expected 0 (youth) to 1 (old age)")
        pores = float(rng.uniform(3e-5, 9e-5))
        return cls(frame, draw_creases(frame, rng), age, pores, float(rng.uniform(*_FILLED)), seed)

    def at(self, points: Float32Array) -> ReliefMaps:
        """At rest positions (N, 3) of the skin, metres, rig space."""
        chart, noise = FaceChart(self.frame), SpaceNoise(self.seed + 61)
        flat, own = chart.flat(points)
        unit = np.float32(self.frame.unit)
        # Folds are no rulers: they waver with the skin's own grain.
        waver = np.stack([noise(points, 0.012, 2), noise(points, 0.012, 3)], 1)
        fine = np.stack([noise(points, 0.004, 4), noise(points, 0.004, 5)], 1)
        flat = np.asarray(flat + (6e-4 * waver + 2e-4 * fine) / unit, np.float32)
        metric = np.stack([unit * own, np.full_like(own, unit)], 1)
        front = smoothstep(-0.2, 0.3, (points[:, 2] - self.frame.skull_z) / unit)
        uneven = 1.0 + 0.25 * np.tanh(noise(points, 0.007, 6))
        rest, pressed = np.zeros(len(points), np.float32), np.zeros(len(points), np.float32)
        for crease in self.creases:
            near = _near(flat, crease, float(unit))
            if not len(near):
                continue
            distance, place = along_line(flat[near], crease.line, metric[near])
            ends = smoothstep(0.0, 0.18, place) * smoothstep(1.0, 0.75, place)
            shape = _profile(distance, crease.width_m) * ends * uneven[near] * front[near]
            stays = float(smoothstep(crease.onset, 1.0, np.array([self.age]))[0])
            rest[near] += crease.aged_m * stays * shape
            pressed[near] += crease.pressed_m * (_YOUNG + (1 - _YOUNG) * self.age) * shape
        fine_relief = pore_heights(points, chart, self.pores, self.seed) * front
        return ReliefMaps(rest + fine_relief, pressed, -np.float32(self.filled) * rest)


def _near(flat: Float32Array, crease: Crease, unit: float) -> NDArray[np.int64]:
    """(M,) indices of the places that a crease may reach."""
    reach = _REACH * crease.width_m / unit
    low, high = crease.line.min(0) - reach, crease.line.max(0) + reach
    return np.flatnonzero(((flat > low) & (flat < high)).all(1))


def _profile(distance: Float32Array, width: float) -> Float32Array:
    """(N,) a furrow of depth 1 between two low bulges, at distances from its bottom."""
    d = distance / np.float32(width)
    return np.asarray(-np.exp(-(d**2)) + _BULGE * np.exp(-(((d - 2.2) / 1.1) ** 2)), np.float32)
