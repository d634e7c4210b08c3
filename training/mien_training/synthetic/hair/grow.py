"""Strands grown from the scalp: combed, drawn down by their weight, kept out of the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.hair.ribbons import StrandHair, ribbon_mesh
from mien_training.synthetic.hair.style import HairStyle
from mien_training.templates.regions import scalp_share

__all__ = ["grow_hair"]

Float64Array = NDArray[np.float64]

_STEP_M = 0.009
"""Between points of a strand, at least: half of what bends are told apart by."""
_CLEARANCE_M = 0.0015
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
    scalp = _Scalp(template, neutral, frame)
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
    kept = _cut(points, frame, style)
    # Away from the scalp a strand sees more of the sky; whatever hangs is lit from outside.
    t = np.arange(steps) / (steps - 1)
    occlusion = 0.42 + 0.58 * np.clip(0.55 * t + depth / 0.03, 0, 1)
    mesh, vertices, normals = ribbon_mesh(
        points, outward, kept, style.width_m, occlusion, colour, style.grey, rng
    )
    return StrandHair(mesh, vertices, normals, np.repeat(root_vertex, 2 * steps).astype(np.int32))


class _Scalp:
    """The skin that hair grows from and must stay out of."""

    def __init__(self, template: Template, neutral: NDArray[np.float32], frame: FaceFrame) -> None:
        self.frame = frame
        skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
        self.triangles = skin
        self.vertices = neutral.astype(np.float64)
        self.normals = vertex_normals(neutral, template.triangles).astype(np.float64)
        used = np.unique(skin)
        self._tree, self._used = cKDTree(self.vertices[used]), used
        share, ears = scalp_share(template, neutral)
        corners = self.vertices[skin]
        area = np.linalg.norm(
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
        )
        self.density = area * np.where(share > 0.25, 1.0, 0.0)[skin].mean(1) ** 2
        self.density[ears[skin].any(1)] = 0
        if self.density.sum() <= 0:
            raise InputError(f"grow_hair: template {template.name!r} has no scalp")
        # The skull's centre: midway back, a little above the eyes.
        self.centre = np.array(
            [frame.middle[0], frame.middle[1] + 0.45 * frame.unit, frame.skull_z]
        )

    def roots(self, count: int, rng: np.random.Generator) -> tuple[Float64Array, NDArray[np.int64]]:
        """(N, 3) places, evenly over the scalp, and (N,) a template vertex beside each."""
        chosen = rng.choice(len(self.triangles), count, p=self.density / self.density.sum())
        a, b = np.sort(rng.random((2, count)), axis=0)
        weights = np.stack([a, b - a, 1 - b], 1)
        corners = self.triangles[chosen]
        places = np.einsum("nc,ncx->nx", weights, self.vertices[corners])
        return places, corners[np.arange(count), weights.argmax(1)].astype(np.int64)

    def length_share(self, roots: Float64Array) -> Float64Array:
        """Hair at the temples and the nape is cut shorter than on the crown."""
        height = (roots[:, 1] - self.frame.middle[1]) / self.frame.unit
        return np.asarray(0.45 + 0.55 * np.clip((height + 0.6) / 1.6, 0, 1))

    def surface(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """(N,) height above the skin, metres, and (N, 3) the skin's normal there."""
        _, near = self._tree.query(points, k=4)
        at = self._used[near]
        offset = points[:, None] - self.vertices[at]
        weight = 1 / (np.linalg.norm(offset, axis=2) + 1e-4) ** 2
        weight /= weight.sum(1, keepdims=True)
        height = ((offset * self.normals[at]).sum(2) * weight).sum(1)
        return height, _unit((self.normals[at] * weight[..., None]).sum(1))

    def keep_out(
        self, points: Float64Array, clearance: float
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Points pushed out of the head, their heights above it, and the way out, (N, 3)."""
        height, normal = self.surface(points)
        pushed = points + np.maximum(clearance - height, 0)[:, None] * normal
        away = _unit(points - self.centre)
        # Far from the skin its nearest normal says little: hair there faces away from the skull.
        far = np.clip(height / 0.04, 0, 1)[:, None]
        return pushed, np.maximum(height, clearance), _unit((1 - far) * normal + far * away)


def _comb(
    scalp: _Scalp,
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
    field = _combing(scalp, roots, style)
    ways = _tangent(field, normal) + rng.normal(0, 0.12, field.shape)
    lift = style.lift * rng.uniform(0.6, 1.4, (len(roots), 1))
    way = _unit(lift * normal + (1 - lift) * _unit(ways))
    down = np.array([0.0, -1.0, 0.0])
    for s in range(1, steps):
        at = points[:, s - 1]
        height, normal = scalp.surface(at)
        near = np.clip(1 - height / 0.02, 0, 1)[:, None]
        combed = _unit(_tangent(_combing(scalp, at, style), normal))
        way = _unit(way + 0.35 * near * combed + style.gravity * (step[:, None] / 0.025) * down)
        into = np.minimum((way * normal).sum(1, keepdims=True), 0)
        close = np.clip(1 - (height[:, None] - _CLEARANCE_M) / 0.006, 0, 1)
        way = _unit(way - close * into * normal)
        points[:, s], _, _ = scalp.keep_out(at + step[:, None] * way, _CLEARANCE_M)
    return points


def _combing(scalp: _Scalp, points: Float64Array, style: HairStyle) -> Float64Array:
    """(N, 3) where the comb went, not yet along the skin."""
    q = (points - scalp.frame.middle) / scalp.frame.unit
    if style.combing == "back":
        way = np.tile([0.0, -0.1, -1.0], (len(points), 1))
        way[:, 1] -= np.clip(0.8 - q[:, 1], 0, 1)
        return way
    if style.combing == "parting":
        beside = q[:, 0] - style.parting
        side = np.tanh(beside / 0.15)
        behind = np.clip(-(points[:, 2] - scalp.centre[2]) / (0.8 * scalp.frame.unit), 0, 1)
        side *= 1 - behind
        return np.stack([side, -0.4 - 0 * side, -0.35 - 0.5 * behind], 1)
    crown = scalp.centre + scalp.frame.unit * np.array([0.15, 1.1, -0.75])
    away = points - crown
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
    along = _unit(np.gradient(points, axis=1))
    first = _unit(np.cross(along, [0.31, 0.2, 0.93]))
    second = np.cross(along, first)
    size = (style.curl_m * np.minimum(1.6 * t, 1))[None, :, None]
    turn = np.cos(angle)[..., None] * first + np.sin(angle)[..., None] * second
    start = np.cos(phase)[:, None, None] * first + np.sin(phase)[:, None, None] * second
    return np.asarray(points + size * (turn - 0.3 * start))


def _cut(points: Float64Array, frame: FaceFrame, style: HairStyle) -> NDArray[np.int64]:
    """(N,) points that are left of each strand: the face is cut free, down to the fringe."""
    q = (points - frame.middle) / frame.unit
    front = points[..., 2] > frame.skull_z + 0.55 * frame.unit
    # Free to the brows in the middle, and more to the temples.
    line = style.fringe - 0.35 * np.clip(np.abs(q[..., 0]) - 0.5, 0, 1)
    ragged = 0.05 * np.sin(97 * points[:, :1, 0] + 31 * points[:, :1, 1] / frame.unit)
    inside = front & (q[..., 1] < line + ragged) & (np.abs(q[..., 0]) < 1.02)
    inside[:, 0] = False
    return np.asarray(np.where(inside.any(1), inside.argmax(1), points.shape[1]).clip(2))


def _tangent(ways: Float64Array, normal: Float64Array) -> Float64Array:
    return np.asarray(ways - (ways * normal).sum(1, keepdims=True) * normal)


def _unit(vectors: Float64Array) -> Float64Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
