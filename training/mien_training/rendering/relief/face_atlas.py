"""The face atlas: one square image of the front of every head, features at the same places.

Wrinkles need a tenth of the texels' size that heads' own textures give the face, and a basis of
them needs one domain for all heads. The atlas is the `FaceChart` of the canonical face; a head
is warped onto it by its landmarks (thin-plate spline, Bookstein 1989). It is a head's second set of
texture coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from mien.errors import InputError
from mien.tracker.canonical import METRES_PER_UNIT, canonical_vertices
from mien_training.head import Template
from mien_training.head.landmark_sets import LID_OUTLINES, SKIN_LANDMARK_COUNT
from mien_training.rendering.bake import TexelMap
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_chart import FaceChart
from mien_training.rendering.visibility import rasterize

__all__ = [
    "HEIGHT",
    "LEFT",
    "TOP",
    "WIDTH",
    "FaceAtlas",
    "atlas_chart",
    "canonical_landmarks",
    "on_atlas",
]

Float32Array = NDArray[np.float32]

LEFT, TOP, WIDTH, HEIGHT = -1.4, 1.05, 2.8, 3.2
"""The square's place on the canonical face's chart, in distances between the eyes (62 mm)."""
_SMOOTHING = 1e-4
"""Of the warp: trackers' points are not placed alike on all templates."""
_EYE_DEPTH_M = 0.008
"""From the lids back to the middle of the eyeball."""
_RADIUS = 1.16
"""Of the canonical face's cylinder, in distances between the eyes: a mean of heads."""
_MOST_STRETCHED = 0.35
"""Longest side of a triangle, in the square's side: longer ones cross the back of the head."""


def atlas_chart(size: int) -> Float32Array:
    """(size * size, 2) places on the canonical face's chart of all texels, row 0 at the top."""
    at = (np.arange(size) + 0.5) / size
    v, u = np.meshgrid(at, at, indexing="ij")
    return np.stack([LEFT + WIDTH * u, TOP - HEIGHT * v], -1).reshape(-1, 2).astype(np.float32)


def on_atlas(corners: Float32Array) -> NDArray[np.bool_]:
    """(F,) whether triangles with corners (F, 3, 2) on the atlas belong there."""
    inside = np.all((corners > 0) & (corners < 1), axis=2)
    return np.asarray(np.any(inside, axis=1) & (np.ptp(corners, 1).max(1) < _MOST_STRETCHED))


@dataclass(frozen=True, eq=False)
class FaceAtlas:
    """Where one head's vertices lie on the atlas, and its texels on the head."""

    template: Template
    """The head; unlike its texture coordinates the atlas has no seams: one place a vertex."""
    places: Float32Array
    """(V, 2) texture coordinates, (0, 0) the upper left; (0, 0) for what does not belong on it."""

    @classmethod
    def of(cls, template: Template) -> FaceAtlas:
        """Of a head in its neutral. Raises InputError for a head without eyeballs."""
        chart = FaceChart(FaceFrame.of(template, template.vertices))
        flat, _ = chart.flat(template.vertices)
        x, y = _warp(template, chart)(flat.astype(np.float64)).T
        u, v = (x - LEFT) / WIDTH, (TOP - y) / HEIGHT
        behind = template.vertices[:, 2] < chart.frame.skull_z
        v = np.where(behind, 0.0, v)  # the back of the head lies on the top border
        places = np.stack([u, v], 1).clip(0.0, 1.0)
        places[~_skin_vertices(template)] = 0.0
        return cls(template, places.astype(np.float32))

    @cached_property
    def _faces(self) -> NDArray[np.int32]:
        """(F', 3) triangles of skin that lie on the atlas."""
        skin = self.template.triangles[self.template.triangle_material == 0]
        return np.asarray(skin[on_atlas(self.places[skin])])

    @property
    def triangles(self) -> torch.Tensor:
        """(F', 3) int64 triangles of the template that lie on the atlas."""
        return torch.from_numpy(self._faces.astype(np.int64))

    def texels(self, size: int) -> TexelMap:
        """Which point of the head each texel shows: of skin above skin (nostrils, the lips' inner
        sides) that which is furthest out."""
        if size < 8:
            raise InputError(f"FaceAtlas.texels: size {size}, expected at least 8")
        kept: dict[int, TexelMap] = self.__dict__.setdefault("_kept", {})
        if size not in kept:
            clip = np.zeros((1, len(self.places), 4), np.float32)
            clip[0, :, :2] = 2.0 * self.places - 1.0
            clip[0, :, 2] = -_outwards(self.template)
            clip[0, :, 3] = 1.0
            seen = rasterize(torch.from_numpy(clip), torch.from_numpy(self._faces), (size, size))
            ids = seen.tri_id[0].reshape(-1).numpy()
            texel = np.flatnonzero(ids >= 0)
            bary = seen.bary[0].reshape(-1, 3).numpy()[texel].astype(np.float32)
            kept[size] = TexelMap(size, texel, self._faces[ids[texel]], bary)
        return kept[size]


def _warp(template: Template, chart: FaceChart) -> RBFInterpolator:
    """A head's chart -> the canonical face's; landmarks that it lacks do not count."""
    points = template.landmarks.positions(template.vertices, template.triangles)
    points = points[:SKIN_LANDMARK_COUNT]
    known = np.isfinite(points).all(1)
    if known.sum() < 8:
        raise InputError(
            f"face atlas: template {template.name!r} has {int(known.sum())} of the tracker's "
            "points, expected those of a face"
        )
    flat, _ = chart.flat(points[known])
    return RBFInterpolator(
        flat.astype(np.float64), canonical_landmarks()[known], smoothing=_SMOOTHING, degree=1
    )


@lru_cache(maxsize=1)
def canonical_landmarks() -> NDArray[np.float64]:
    """(468, 2) the canonical face's landmarks, laid flat as `FaceChart` lays heads."""
    points = METRES_PER_UNIT * canonical_vertices()
    eyes = np.stack([points[list(outline)].mean(0) for outline in LID_OUTLINES])
    middle = eyes.mean(0) - (0.0, 0.0, _EYE_DEPTH_M)
    unit = float(np.linalg.norm(eyes[0] - eyes[1]))
    radius = _RADIUS * unit
    across, depth = points[:, 0] - middle[0], points[:, 2] - middle[2] + radius
    return np.stack([_RADIUS * np.arctan2(across, depth), (points[:, 1] - middle[1]) / unit], 1)


def _skin_vertices(template: Template) -> NDArray[np.bool_]:
    skin = np.zeros(len(template.vertices), np.bool_)
    skin[template.triangles[template.triangle_material == 0]] = True
    return skin


def _outwards(template: Template) -> Float32Array:
    """(V,) -1..1, larger further from the skull's axis."""
    frame = FaceFrame.of(template, template.vertices)
    away = template.vertices[:, [0, 2]] - (frame.middle[0], frame.skull_z)
    distance = np.linalg.norm(away, axis=1)
    return np.asarray(2.0 * distance / max(float(distance.max()), 1e-9) - 1.0, np.float32)
