"""Glasses: two rims, a bridge, temples to the ears; dark lenses for some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.rig import Material
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.scene.scene_mesh import SceneMesh
from mien_training.synthetic.capture.occluders.sheets import joined, tube
from mien_training.synthetic.capture.occluders.worn import Worn

__all__ = ["draw_glasses"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_AROUND = 28
_CLEARANCE_M = 0.0015
_COLOURS = ((20, 20, 22), (70, 45, 30), (150, 140, 120), (60, 60, 70), (110, 30, 30), (40, 60, 110))


def draw_glasses(
    template: Template, neutral: Float32Array, seed: int, dark_lenses: bool = False
) -> Worn:
    """A random pair for a head with (V, 3) neutral vertices, metres; it rides on the skull.

    Lenses are left out (clear glass hides nothing), or opaque where they are dark. Rims and
    temples keep a little off the skin. Raises InputError for a head without a pair of eyeballs.
    """
    rng = np.random.default_rng((seed, 85))
    frame = FaceFrame.of(template, neutral)
    skin = neutral[
        np.unique(template.triangles[template.triangle_material == MATERIALS.index("skin")])
    ]
    unit = frame.unit
    half = unit * np.array([rng.uniform(0.36, 0.44), rng.uniform(0.26, 0.40)])
    power = rng.uniform(2.0, 4.0)
    wrap = rng.uniform(0.05, 0.25)
    thick = rng.uniform(0.0010, 0.0026)
    turn = np.linspace(0, 2 * np.pi, _AROUND + 1)
    outline = np.stack([_power(np.cos(turn), 2 / power), _power(np.sin(turn), 2 / power)], 1) * half
    centres = [
        eye + (np.sign(eye[0]) * 0.03 * unit, -0.06 * unit, 0)
        for eye in frame.eyes.astype(np.float64)
    ]
    front = float(frame.eyes[:, 2].mean()) + frame.eye_radius + rng.uniform(0.006, 0.012)
    rims = [np.c_[outline + centre[:2], np.zeros(_AROUND + 1)] for centre in centres]
    for rim in rims:  # frames bend back towards the temples
        rim[:, 2] = front - wrap * (np.abs(rim[:, 0] - frame.middle[0]) / unit) ** 2 * unit
    bridge = _bridge(rims, unit)
    forward = max(_inside(path, skin) for path in (*rims, bridge))
    for path in (*rims, bridge):
        path[:, 2] += min(forward, 0.015)
    parts = [tube(path, np.full(len(path), thick)) for path in (*rims, bridge)]
    for rim in rims:
        temple = _temple(rim, skin, frame)
        parts.append(tube(temple, np.full(len(temple), 0.9 * thick + 0.0003)))
    if dark_lenses:
        parts += [_lens(rim) for rim in rims]
    points, triangles = joined(parts)
    frame_vertices = len(points) - (2 * (_AROUND + 2) if dark_lenses else 0)
    colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
    texture = np.empty((4, 8, 3), np.uint8)
    texture[:, :4], texture[:, 4:] = colour, (14, 14, 16)
    u = np.where(np.arange(len(points)) < frame_vertices, 0.25, 0.75)
    mesh = SceneMesh(
        "glasses",
        triangles,
        np.stack([u, np.full(len(u), 0.5)], 1).astype(np.float32),
        Material("glasses", texture, roughness=float(rng.uniform(0.2, 0.5))),
        np.full(len(points), 0.9, np.float32),
    )
    return Worn(mesh, points.astype(np.float32), "skull")


def _power(x: Float64Array, exponent: float) -> Float64Array:
    return np.asarray(np.sign(x) * np.abs(x) ** exponent)


def _bridge(rims: list[Float64Array], unit: float) -> Float64Array:
    """(N, 3) from one rim's inner side to the other's, a little arched."""
    ends = [rim[np.abs(rim[:, 0]).argmin()] for rim in rims]
    t = np.linspace(0, 1, 9)[:, None]
    path = (1 - t) * ends[0] + t * ends[1]
    path[:, 1:] += (0.06 * unit * 4 * t * (1 - t)) * (1.0, 0.6)
    return np.asarray(path)


def _inside(path: Float64Array, skin: Float32Array) -> float:
    """How far a path must come forward to lie before the skin beneath it, metres."""
    away = np.abs(skin[None, :, :2] - path[:, None, :2]).max(2)
    near = (away < 0.006) & (skin[None, :, 2] > path[:, None, 2] - 0.03)
    ahead = np.where(near, skin[None, :, 2] - path[:, None, 2], -1.0)
    return max(float(ahead.max()) + _CLEARANCE_M, 0.0)


def _temple(rim: Float64Array, skin: Float32Array, frame: FaceFrame) -> Float64Array:
    """(N, 3) from a rim's outer side back over the ear, beside the head all the way."""
    side = np.sign(rim[:, 0].mean())
    corner = rim[np.abs(rim[:, 0]).argmax()]
    height = corner[1] + np.array([0.002, 0.004, 0.004, 0.003, 0.0, -0.018])
    end = frame.skull_z - 0.05 * frame.unit
    z = corner[2] + (end - corner[2]) * np.array([0.0, 0.08, 0.45, 0.8, 1.0, 1.18])
    own = skin[side * skin[:, 0] > 0]
    x = np.empty(len(z))
    for i, (y, depth) in enumerate(zip(height, z, strict=True)):
        near = (np.abs(own[:, 1] - y) < 0.010) & (np.abs(own[:, 2] - depth) < 0.012)
        x[i] = np.abs(own[near, 0]).max() + 0.002 if near.any() else 0.0
    x = np.maximum(x, np.abs(corner[0]))
    x[0] = np.abs(corner[0])
    return np.stack([side * x, height, z], 1)


def _lens(rim: Float64Array) -> tuple[Float64Array, NDArray[np.int32]]:
    """A fan over a rim; one vertex more than the rim has."""
    centre = rim.mean(0, keepdims=True)
    ring = np.arange(len(rim) - 1, dtype=np.int32)
    hub = np.full(len(ring), len(rim), np.int32)
    return np.concatenate([rim, centre]), np.stack([ring, ring + 1, hub], 1)
