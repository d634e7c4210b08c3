"""Eyeballs are rigid: as the template's ball under one similarity each, and looking turns them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.rig import Joint
from mien_training.geometry.alignment import Alignment, fit_alignment, fit_rotation
from mien_training.head import Template

__all__ = ["Eyeball", "eyeballs", "joints_in_eyeballs", "turn_eyeballs"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

STILL_M = 1e-4
"""What a template moves a rigid part by less than this is rounding, and taken for rest."""


@dataclass(frozen=True, eq=False)
class Eyeball:
    """One eye of a template, and where another person has it."""

    side: str
    """Left or Right, the character's own."""
    vertices: NDArray[np.int64]
    """(N,) vertices of the ball."""
    iris: NDArray[np.bool_]
    """(N,) which of them tell where the eye looks."""
    centre: Float64Array
    """(3,) what it turns about in the template: its joint, metres, rig space."""
    person_from_template: Alignment

    def local(self, points: Float32Array | Float64Array) -> Float64Array:
        """(N, 3) points of the person where they would be about the template's ball, from its
        centre: the person's ball at rest becomes the template's exactly."""
        a = self.person_from_template
        away = np.asarray(points, np.float64) - a.points(self.centre)
        return np.asarray(away @ a.rotation / a.scale)


def eyeballs(template: Template, neutral: Float32Array) -> tuple[Eyeball, ...]:
    """The template's eyeballs and how those of a neutral (V, 3) lie, left before right.

    Place and size are fitted to each ball; the rotation to both at once, for in a neutral both
    eyes look the same way.
    """
    found = []
    for name in ("Left", "Right"):
        for joint in template.joints:
            if joint.name == f"{name.lower()}Eye":
                centre = np.asarray(joint.position, np.float64)
                same_side = (template.vertices[:, 0] > 0) == (centre[0] > 0)
                ball = np.flatnonzero(template.regions["eyes"] & same_side)
                if len(ball) > 3:
                    found.append((name, ball, centre))
    if not found:
        return ()
    pairs = [
        (template.vertices[ball].astype(np.float64), neutral[ball].astype(np.float64))
        for _, ball, _ in found
    ]
    about = [[points - points.mean(0) for points in pair] for pair in pairs]
    both = [np.concatenate(parts) for parts in zip(*about, strict=True)]
    turn = fit_alignment(both[0], both[1]).rotation
    result = []
    for (name, ball, centre), (own, other), (a, b) in zip(found, pairs, about, strict=True):
        scale = float(np.sum((a @ turn.T) * b) / np.sum(a * a))
        shift = other.mean(0) - scale * turn @ own.mean(0)
        iris = template.regions["iris"][ball]
        if iris.sum() < 3:
            iris = np.ones_like(iris)
        result.append(Eyeball(name, ball, iris, centre, Alignment(turn, shift, scale)))
    return tuple(result)


def turn_eyeballs(
    template: Template, neutral: Float32Array, deltas: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Neutral (V, 3) and shapes (K, V, 3) with rigid eyeballs; all else as given. Metres.

    An eyeLook shape turns the ball about its centre as the template turns the iris there. Any
    other shape moves it as rigidly as the template's, mostly not at all.
    """
    neutral, deltas = neutral.copy(), deltas.copy()
    for eye in eyeballs(template, neutral):
        ball = eye.vertices
        rest = template.vertices[ball].astype(np.float64)
        away = rest - eye.centre
        neutral[ball] = eye.person_from_template.points(rest)
        for k, name in enumerate(template.shape_names):
            moved = template.shape_deltas[k, ball].astype(np.float64)
            if np.abs(moved).max() < STILL_M:
                change = np.zeros_like(rest)
            elif name.startswith("eyeLook"):
                change = away @ fit_rotation(away[eye.iris], (away + moved)[eye.iris]).T - away
            else:
                change = fit_alignment(rest, rest + moved).points(rest) - rest
            deltas[k, ball] = eye.person_from_template.vectors(change)
    return neutral, deltas


def joints_in_eyeballs(template: Template, neutral: Float32Array) -> tuple[Joint, ...]:
    """The template's joints, those of the eyes in the centres of the neutral's eyeballs."""
    centres = {
        f"{eye.side.lower()}Eye": eye.person_from_template.points(eye.centre)
        for eye in eyeballs(template, neutral)
    }
    joints = []
    for joint in template.joints:
        x, y, z = (float(c) for c in centres.get(joint.name, joint.position))
        joints.append(Joint(joint.name, joint.parent, (x, y, z)))
    return tuple(joints)
