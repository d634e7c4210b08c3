"""Strands grown from the scalp: combed, drawn down by their weight, kept out of the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.head import Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.hair.ribbons import StrandHair, ribbon_mesh
from mien_training.synthetic.hair.scalp import Scalp, unit
from mien_training.synthetic.hair.style import HairStyle

__all__ = ["grow_hair"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_STEP_M = 0.009
"""Between points of a strand, at least: half of what bends are told apart by."""
_CLEARANCE_M = 0.0015
_OVER_EARS_M = 0.016
"""How far from the head the outermost strands pass over an ear."""
_STRANDS_PER_LOCK = 14


def grow_hair(
    template: Template,
    neutral: NDArray[np.float32],
    style: HairStyle,
    colour: tuple[int, int, int],
) -> StrandHair:
    """Hair on a head with (V, 3) neutral vertices, metres; colour sRGB, 8 bit.

    Raises InputError for a head without a scalp (bare faces have none).
    """
    rng = np.random.default_rng((style.seed, 42))
    frame = FaceFrame.of(template, neutral)
    scalp = Scalp(template, neutral, frame, style)
    roots, root_vertex = scalp.roots(style.strands, rng)
    length = style.length_m * scalp.length_share(roots) * rng.uniform(0.85, 1.1, len(roots))
    steps = int(np.clip(np.ceil(style.length_m / _STEP_M), 5, 24))
    points = _comb(scalp, roots, length / (steps - 1), steps, style, rng)
    points = _clump(points, style, rng)
    points = _curl(points, length, style, rng)
    depth = np.zeros(points.shape[:2])
    outward = np.zeros_like(points)
    for s in range(points.shape[1]):
        share = s / (steps - 1)
        points[:, s], depth[:, s], outward[:, s] = scalp.keep_out(
            points[:, s], _CLEARANCE_M * (0.3 + 2 * share)
        )
    points[:, 0] = roots
    kept = _cut(points, scalp, style)
    # Away from the scalp a strand sees more of the sky; whatever hangs is lit from outside.
    t = np.arange(steps) / (steps - 1)
    occlusion = 0.42 + 0.58 * np.clip(0.55 * t + depth / 0.03, 0, 1)
    mesh, vertices, normals = ribbon_mesh(
        points, outward, kept, style.width_m, occlusion, colour, style.grey, rng
    )
    return StrandHair(mesh, vertices, normals, np.repeat(root_vertex, 2 * steps).astype(np.int32))


def _comb(
    scalp: Scalp,
    roots: Float64Array,
    step: Float64Array,
    steps: int,
    style: HairStyle,
    rng: np.random.Generator,
) -> Float64Array:
    """(N, S, 3) strands, step by step: combing near the skin, weight, and never into the head."""
    points = np.empty((len(roots), steps, 3))
    points[:, 0] = roots
    _, normal = scalp.surface(roots)
    q = (roots - scalp.frame.middle) / scalp.frame.unit
    # Next to a parting a strand may fall to either side, and stays there.
    side = np.sign(q[:, 0] - style.parting + rng.normal(0, 0.03, len(roots)))
    rank = rng.random(len(roots))
    field = _combing(scalp, roots, style, side)
    ways = _tangent(unit(_tangent(field, normal)) + rng.normal(0, 0.25, field.shape), normal)
    lift = style.lift * rng.uniform(0.6, 1.25, (len(roots), 1))
    way = unit(lift * normal + (1 - lift) * unit(ways))
    down = np.array([0.0, -1.0, 0.0])
    for s in range(1, steps):
        at = points[:, s - 1]
        height, normal = scalp.surface(at)
        near = np.clip(1 - height / 0.02, 0, 1)[:, None]
        combed = unit(_tangent(_combing(scalp, at, style, side), normal))
        way = unit(way + 0.35 * near * combed + style.gravity * (step[:, None] / 0.025) * down)
        into = np.minimum((way * normal).sum(1, keepdims=True), 0)
        close = np.clip(1 - (height[:, None] - _CLEARANCE_M) / 0.006, 0, 1)
        way = unit(way - close * into * normal)
        ahead = at + step[:, None] * way
        # Long hair covers the ears, strand upon strand.
        over = _OVER_EARS_M * style.volume * scalp.near_ears(ahead)[0] * rank
        points[:, s], _, _ = scalp.keep_out(ahead, _CLEARANCE_M + over)
    return points


def _combing(
    scalp: Scalp, points: Float64Array, style: HairStyle, side: Float64Array
) -> Float64Array:
    """(N, 3) where the comb went, not yet along the skin; side (N,): -1 right of a parting, 1
    left."""
    q = (points - scalp.frame.middle) / scalp.frame.unit
    if style.combing == "back":
        way = np.tile([0.0, -0.1, -1.0], (len(points), 1))
        way[:, 1] -= np.clip(0.8 - q[:, 1], 0, 1)
        return way
    if style.combing == "parting":
        behind = np.clip(-(points[:, 2] - scalp.centre[2]) / (0.8 * scalp.frame.unit), 0, 1)
        side = side * (1 - behind)
        return np.stack([side, -0.4 - 0 * side, -0.35 - 0.5 * behind], 1)
    away = points - scalp.crown
    swirl = np.cross([0.0, 1.0, 0.0], away)
    return np.asarray(away + 0.35 * swirl)


def _clump(points: Float64Array, style: HairStyle, rng: np.random.Generator) -> Float64Array:
    """Strands of a lock come together towards its tip."""
    count = max(len(points) // _STRANDS_PER_LOCK, 1)
    guides = rng.choice(len(points), count, replace=False)
    _, lock = cKDTree(points[guides, 0]).query(points[:, 0])
    guide = points[guides][lock]
    t = (np.arange(points.shape[1]) / (points.shape[1] - 1))[None, :, None]
    return np.asarray(points + style.clumping * t**1.3 * (guide - points) * 0.9)


def _curl(
    points: Float64Array, length: Float64Array, style: HairStyle, rng: np.random.Generator
) -> Float64Array:
    """Waves that grow towards the tips, alike in neighbours."""
    if style.curl_m <= 0:
        return points
    steps = points.shape[1]
    t = np.arange(steps) / (steps - 1)
    lock = np.floor(points[:, 0] / 0.018).astype(np.int64)
    phase = np.modf(np.abs(np.sin(lock @ [12.9898, 78.233, 37.719]) * 43758.5453))[0]
    phase = 2 * np.pi * phase + rng.normal(0, 0.35, len(points))
    # Points lie too far apart for a turn shorter than six of them.
    period = np.maximum(style.curl_period_m, 6 * length / (steps - 1))
    angle = phase[:, None] + 2 * np.pi * length[:, None] * t / period[:, None]
    along = unit(np.gradient(points, axis=1))
    first = unit(np.cross(along, [0.31, 0.2, 0.93]))
    second = np.cross(along, first)
    size = (style.curl_m * np.minimum(1.6 * t, 1))[None, :, None]
    turn = np.cos(angle)[..., None] * first + np.sin(angle)[..., None] * second
    start = np.cos(phase)[:, None, None] * first + np.sin(phase)[:, None, None] * second
    return np.asarray(points + size * (turn - 0.3 * start))


def _cut(points: Float64Array, scalp: Scalp, style: HairStyle) -> NDArray[np.int64]:
    """(N,) points that are left of each strand: the face is cut free, down to the fringe, and the
    ears are."""
    frame = scalp.frame
    q = (points - frame.middle) / frame.unit
    front = points[..., 2] > frame.skull_z + 0.55 * frame.unit
    # Free to the brows in the middle, and more to the temples.
    line = style.fringe - 0.35 * np.clip(np.abs(q[..., 0]) - 0.5, 0, 1)
    ragged = 0.05 * np.sin(97 * points[:, :1, 0] + 31 * points[:, :1, 1] / frame.unit)
    inside = front & (q[..., 1] < line + ragged) & (np.abs(q[..., 0]) < 1.02)
    inside |= scalp.near_ears(points.reshape(-1, 3))[1].reshape(inside.shape)
    inside[:, 0] = False
    return np.asarray(np.where(inside.any(1), inside.argmax(1), points.shape[1]).clip(2))


def _tangent(ways: Float64Array, normal: Float64Array) -> Float64Array:
    return np.asarray(ways - (ways * normal).sum(1, keepdims=True) * normal)
