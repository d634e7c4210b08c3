"""Eyes, teeth, gums, cavity and tongue as functions of the place in the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.noise import SpaceNoise, mix, smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.paint.look import Look

__all__ = [
    "IRIS_RADIUS",
    "PUPIL_RADIUS",
    "paint_eyes",
    "paint_mouth",
    "paint_teeth",
    "paint_tongue",
]

Float32Array = NDArray[np.float32]

PUPIL_RADIUS = 0.17
"""Distance from the eye's axis, in radii of the eyeball."""
IRIS_RADIUS = 0.42


def paint_eyes(points: Float32Array, frame: FaceFrame, look: Look) -> Float32Array:
    """(N, 3) sRGB albedo in 0..1 of points (N, 3) on the eyeballs at rest; gaze along +Z."""
    noise = SpaceNoise(look.seed + 1)
    side = (points[:, 0] <= frame.middle[0]).astype(int)
    local = (points - frame.eyes[side]) / np.float32(frame.eye_radius)
    # What lies behind the eye's equator is far from the iris, whatever its distance to the axis.
    behind = (local[:, 2] < 0).astype(np.float32)
    radius = np.hypot(local[:, 0], local[:, 1]) + 2 * behind
    angle = np.arctan2(local[:, 1], local[:, 0])
    ring = np.stack([np.cos(angle), np.sin(angle), 3.0 * side], -1).astype(np.float32)

    white = np.array([0.95, 0.915, 0.89], np.float32)
    speckle = 1.0 + 0.015 * noise(points, 0.004, 0)[:, None]
    sclera = np.asarray(white * speckle, np.float32)
    # Veins: thin lines where a field changes its sign, stronger towards the corners.
    stretched = points * np.array([0.45, 1.0, 1.0], np.float32)
    line = np.abs(noise(stretched, 0.0022, 1)) + 0.5 * np.abs(noise(points, 0.0009, 2))
    veins = smoothstep(0.35, 0.05, line) * smoothstep(0.55, 1.0, radius)
    pink = smoothstep(0.6, 1.05, radius)
    sclera = mix(sclera, np.array([0.80, 0.52, 0.48], np.float32), 0.35 * veins + 0.22 * pink)

    t = ((radius - PUPIL_RADIUS) / (IRIS_RADIUS - PUPIL_RADIUS)).astype(np.float32)
    spokes = 0.6 * noise(ring, 0.075, 3) + 0.4 * noise(ring + 0.08 * t[:, None], 0.03, 4)
    base = np.array(look.eye_colour, np.float32) / 255.0
    iris = np.asarray(base * (1.0 + 0.30 * np.tanh(spokes))[:, None], np.float32)
    # A lighter collarette near the pupil, a darker outer third.
    warm = np.array([1.25, 1.12, 0.85], np.float32)
    iris = mix(iris, iris * warm * 1.15, smoothstep(0.55, 0.15, t + 0.08 * np.tanh(spokes)))
    iris = mix(iris, iris * np.float32(0.55), smoothstep(0.62, 0.98, t))
    limbus = smoothstep(IRIS_RADIUS + 0.035, IRIS_RADIUS - 0.02, radius)
    colour = mix(sclera, iris, limbus)
    pupil = smoothstep(PUPIL_RADIUS + 0.015, PUPIL_RADIUS - 0.015, radius)
    return mix(colour, np.full(3, 0.015, np.float32), pupil)


def paint_teeth(points: Float32Array, look: Look) -> Float32Array:
    """(N, 3) enamel: ivory, a little yellower and darker towards the back of the arch."""
    noise = SpaceNoise(look.seed + 2)
    back = smoothstep(0.004, 0.035, points[:, 2].max(initial=0.0) - points[:, 2])
    enamel = np.array([0.93, 0.90, 0.82], np.float32) * (
        1.0 + 0.015 * noise(points, 0.003, 0)[:, None]
    )
    return mix(enamel, enamel * np.array([0.60, 0.54, 0.46], np.float32), back)


def paint_mouth(points: Float32Array, frame: FaceFrame, look: Look) -> Float32Array:
    """(N, 3) gums and cavity: pink and moist at the front, nearly black in the throat."""
    noise = SpaceNoise(look.seed + 3)
    flesh = np.array([0.66, 0.34, 0.33], np.float32) * (1.0 - 0.25 * look.skin_tone)
    flesh = flesh * (
        1.0 + 0.06 * noise(points, 0.003, 0) + 0.03 * noise(points, 0.001, 1)
    )[:, None]  # fmt: skip
    depth = (points[:, 2].max(initial=0.0) - points[:, 2]) / np.float32(frame.unit)
    deep = smoothstep(0.15, 0.75, depth)
    return mix(flesh, flesh * np.array([0.16, 0.10, 0.10], np.float32), deep)


def paint_tongue(points: Float32Array, frame: FaceFrame, look: Look) -> Float32Array:
    """(N, 3) tongue: rosy, rough with papillae, a furrow in the middle, dark at its root."""
    noise = SpaceNoise(look.seed + 4)
    rough = 0.06 * noise(points, 0.0009, 0) + 0.05 * noise(points, 0.004, 1)
    colour = np.array([0.72, 0.40, 0.40], np.float32) * (1.0 + rough)[:, None]
    furrow = np.exp(-(((points[:, 0] - frame.middle[0]) / np.float32(0.0015)) ** 2))
    colour = colour * (1.0 - 0.15 * furrow[:, None])
    depth = (points[:, 2].max(initial=0.0) - points[:, 2]) / np.float32(frame.unit)
    return mix(colour, colour * np.float32(0.2), smoothstep(0.25, 0.9, depth))
