"""Skin, lips, brows, lashes and scalp as functions of the place on the face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.noise import SpaceNoise, mix, smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame, polygon_distance, polyline_distance
from mien_training.rendering.paint.look import Look, skin_albedo

__all__ = ["beard_cover", "paint_skin", "scalp_cover"]

Float32Array = NDArray[np.float32]


def paint_skin(
    points: Float32Array, lip_region: Float32Array, frame: FaceFrame, look: Look
) -> Float32Array:
    """(N, 3) sRGB albedo in 0..1 at rest positions (N, 3), metres.

    lip_region: (N,) 0..1 membership in the template's lips, used where it has no lip landmarks.
    """
    noise = SpaceNoise(look.seed)
    q = frame.local(points)
    front = _front(points, frame)
    colour = _complexion(points, q, front, look, noise)
    scalp = scalp_cover(q, frame, points, noise)
    lips = _lips(points, lip_region, frame)
    beard = beard_cover(points, frame) * (1.0 - lips)
    hair = np.array(look.hair_colour, np.float32) / 255.0

    grain = 0.84 + 0.16 * np.tanh(noise(points, 0.0007, 3) + 0.7 * noise(points, 0.0004, 4))
    shadow = 0.55 * hair + 0.30 * colour.mean(1, keepdims=True)
    colour = mix(colour, shadow, look.stubble * 0.75 * beard * grain)
    colour = mix(colour, 0.80 * hair + 0.20 * colour, look.hair_cover * scalp * grain)
    colour = _paint_lips(colour, points, lips, look, noise)
    colour = _lids(colour, points, frame, hair)
    return _brows(colour, points, front, frame, look, hair, noise)


def _blob(
    q: Float32Array, x: float, y: float, width: float, height: float, both: bool = True
) -> Float32Array:
    """Gaussian spot on the front of the face in local units, mirrored if `both`."""
    across = np.abs(q[:, 0]) if both else q[:, 0]
    return np.asarray(np.exp(-(((across - x) / width) ** 2) - ((q[:, 1] - y) / height) ** 2))


def _complexion(
    points: Float32Array, q: Float32Array, front: Float32Array, look: Look, noise: SpaceNoise
) -> Float32Array:
    base = skin_albedo(look.skin_tone).astype(np.float32)
    mottle = (
        0.016 * noise(points, 0.011, 0) + 0.014 * noise(points, 0.0035, 1)
        + 0.016 * noise(points, 0.0010, 2)
    )  # fmt: skip
    colour = base * (1.0 + mottle[:, None] * np.array([0.8, 1.0, 1.1], np.float32))
    flush = 0.5 + 0.5 * np.tanh(noise(points, 0.018, 5))
    blood = front * (
        0.75 * _blob(q, 0.72, -0.70, 0.42, 0.38) + 0.80 * _blob(q, 0.0, -0.72, 0.26, 0.24)
        + 0.30 * _blob(q, 0.0, -1.75, 0.40, 0.25) + 0.25 * _blob(q, 0.5, 0.0, 0.35, 0.22)
    )  # fmt: skip
    ears = smoothstep(1.12, 1.30, np.abs(q[:, 0])) * smoothstep(-1.6, -1.2, q[:, 1])
    blood = look.redness * (blood + 0.45 * ears * (1 - front)) * (0.75 + 0.25 * flush)
    colour = colour * (1.0 - blood[:, None] * np.array([0.02, 0.19, 0.19], np.float32))
    forehead = front * _blob(q, 0.0, 0.9, 0.9, 0.5, False)
    colour = colour * (1.0 + forehead[:, None] * np.array([0.01, 0.015, -0.03], np.float32))
    tired = front * _blob(q, 0.46, -0.27, 0.26, 0.10)
    colour = colour * (1.0 - tired[:, None] * np.array([0.05, 0.07, 0.04], np.float32))
    where = front * (_blob(q, 0.55, -0.55, 0.55, 0.35) + _blob(q, 0.0, -0.45, 0.3, 0.35))
    spots = smoothstep(1.1, 1.7, noise(points, 0.0022, 6)) * where * look.freckles
    return mix(colour.astype(np.float32), colour * np.float32(0.72), spots)


def beard_cover(points: Float32Array, frame: FaceFrame) -> Float32Array:
    """(N,) 0..1 where a beard grows on skin at (N, 3), metres: cheeks, jaw, chin, upper lip."""
    q = frame.local(points)
    front = _front(points, frame)
    x = np.abs(q[:, 0])
    start = -0.92 + 0.10 * smoothstep(0.1, 0.5, x) - 0.35 * _bump(x, 0.55, 0.2)
    start = start + 0.75 * smoothstep(0.75, 1.15, x)
    jaw = smoothstep(0.0, -0.22, q[:, 1] - start) * smoothstep(-2.7, -2.2, q[:, 1])
    return np.asarray(jaw * smoothstep(0.05, 0.4, front), np.float32)


def _front(points: Float32Array, frame: FaceFrame) -> Float32Array:
    """(N,) 0 behind the middle of the skull, 1 half an eyes' distance before it."""
    return smoothstep(0.0, 0.5, (points[:, 2] - frame.skull_z) / np.float32(frame.unit))


def _bump(x: Float32Array, centre: float, width: float) -> Float32Array:
    return np.asarray(np.exp(-(((x - centre) / width) ** 2)), np.float32)


def _lips(points: Float32Array, region: Float32Array, frame: FaceFrame) -> Float32Array:
    if frame.lips is None:
        return smoothstep(0.25, 0.75, region)
    outline = frame.lips
    margin = np.float32(0.004)
    near = (
        (points[:, :2] > outline[:, :2].min(0) - margin)
        & (points[:, :2] < outline[:, :2].max(0) + margin)
    ).all(1) & (points[:, 2] > outline[:, 2].min() - 0.012)
    lips = np.zeros(len(points), np.float32)
    lips[near] = smoothstep(0.0008, -0.0010, polygon_distance(points[near, :2], outline[:, :2]))
    return lips


def _paint_lips(
    colour: Float32Array, points: Float32Array, lips: Float32Array, look: Look, noise: SpaceNoise
) -> Float32Array:
    skin = skin_albedo(look.skin_tone)
    flesh = skin * np.array([0.86, 0.56, 0.56]) + np.array([0.05, 0.02, 0.03])
    # Fine creases run from lip to lip: noise squeezed along x.
    squeezed = points * np.array([3.0, 0.7, 0.7], np.float32)
    crease = 0.05 * noise(squeezed, 0.0022, 9) + 0.03 * noise(points, 0.0012, 10)
    target = flesh.astype(np.float32) * (1.0 + crease[:, None])
    return mix(colour, target, lips * (0.35 + 0.6 * look.lip_tint))


def _lids(
    colour: Float32Array, points: Float32Array, frame: FaceFrame, hair: Float32Array
) -> Float32Array:
    distance = np.minimum(
        np.linalg.norm(points - frame.eyes[0], axis=1),
        np.linalg.norm(points - frame.eyes[1], axis=1),
    ) / np.float32(frame.eye_radius)
    thin = smoothstep(1.55, 1.15, distance)
    colour = mix(colour, colour * np.array([0.95, 0.86, 0.86], np.float32), 0.7 * thin)
    if not frame.upper_lids:
        above = (points[:, 1] > frame.middle[1]).astype(np.float32)
        margin = smoothstep(1.16, 1.06, distance) * (0.35 + 0.5 * above)
        return mix(colour, 0.6 * hair + 0.15 * colour, margin)
    near = np.flatnonzero(distance < 2.2)
    for lids, width, strength in (
        (frame.upper_lids, 0.0013, 0.85),
        (frame.lower_lids, 0.0008, 0.45),
    ):
        line = np.minimum.reduce([polyline_distance(points[near], lid) for lid in lids])
        amount = strength * smoothstep(width, 0.25 * width, line)
        colour[near] = mix(colour[near], 0.6 * hair + 0.1 * colour[near], amount)
    return colour


def _brows(
    colour: Float32Array, points: Float32Array, front: Float32Array, frame: FaceFrame,
    look: Look, hair: Float32Array, noise: SpaceNoise,
) -> Float32Array:  # fmt: skip
    margin = np.float32(0.006)
    for outline in frame.brows:
        near = np.flatnonzero(
            (points[:, :2] > outline.min(0) - margin).all(1)
            & (points[:, :2] < outline.max(0) + margin).all(1)
            & (front > 0.5)
        )
        p = points[near]
        # Hairs rise at the nose and lie along the brow at the temple: shear grows outwards.
        side = np.float32(np.sign(outline[:, 0].mean()))
        inner, outer = (side * outline[:, 0]).min(), (side * outline[:, 0]).max()
        s = ((side * p[:, 0] - inner) / max(outer - inner, 1e-6)).clip(0, 1)
        lean = 0.35 + 1.6 * s
        rise = lean * (p[:, 1] - outline[:, 1].mean())
        across = (side * p[:, 0] - rise) / np.sqrt(1 + lean**2)
        strand = np.stack([across, 0.15 * p[:, 1], np.full_like(across, side)], -1)
        hairs = 0.65 + 0.35 * np.tanh(1.4 * noise(strand, 0.0007, 11) + 0.7)
        ragged = 0.0008 * noise(strand, 0.0009, 12)
        body = smoothstep(0.0012, -0.0016, polygon_distance(p[:, :2], outline) + ragged)
        tail = 0.75 + 0.25 * smoothstep(0.0, 0.25, s)
        amount = look.brow_density * body * hairs * tail
        colour[near] = mix(colour[near], 0.9 * hair + 0.06 * colour[near], amount)
    return colour


def scalp_cover(
    q: Float32Array, frame: FaceFrame, points: Float32Array, noise: SpaceNoise
) -> Float32Array:
    """(N,) 0..1 where hair grows: above a hairline given by height over azimuth."""
    depth = (points[:, 2] - frame.skull_z) / np.float32(frame.unit)
    azimuth = np.degrees(np.arctan2(np.abs(q[:, 0]), depth))
    line = np.interp(
        azimuth,
        [0, 20, 34, 46, 58, 68, 78, 86, 98, 112, 124, 145, 180],
        [1.26, 1.24, 1.16, 0.94, 0.55, 0.15, -0.05, 0.18, 0.28, 0.16, -0.25, -0.85, -1.0],
    ).astype(np.float32)
    ragged = 0.04 * noise(points, 0.006, 7) + 0.02 * noise(points, 0.0012, 8)
    return smoothstep(-0.06, 0.30, q[:, 1] - line + ragged)
