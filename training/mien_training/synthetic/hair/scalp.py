"""The skin that hair grows from and must stay out of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.head import MATERIALS, Template
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.synthetic.hair.style import HairStyle
from mien_training.templates.regions import scalp_share

__all__ = ["Scalp", "unit"]

Float64Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Scalp:
    """Of one neutral head; ears are not of it, as hair falls over or behind them."""

    def __init__(
        self,
        template: Template,
        neutral: NDArray[np.float32],
        frame: FaceFrame,
        style: HairStyle,
    ) -> None:
        self.frame = frame
        skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
        self.triangles = skin
        self.vertices = neutral.astype(np.float64)
        self.normals = vertex_normals(neutral, template.triangles).astype(np.float64)
        share, ears = scalp_share(template, neutral)
        used = np.unique(skin)
        used = used[~ears[used]]
        self._tree, self._used = cKDTree(self.vertices[used]), used
        self._ears = np.flatnonzero(ears)
        self._ear_tree = cKDTree(self.vertices[ears]) if ears.any() else None
        corners = self.vertices[skin]
        area = np.linalg.norm(
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
        )
        hairy = np.where(share > 0.25, 1.0, 0.0)[skin].mean(1)
        self.density = area * hairy**2
        self.density[ears[skin].any(1)] = 0
        # Where hair begins it lies open to the eye: hairlines are dense.
        self.density *= 1 + 1.5 * ((share[skin].mean(1) < 0.9) & (hairy > 0))
        # The skull's centre: midway back, a little above the eyes.
        self.centre = np.array(
            [frame.middle[0], frame.middle[1] + 0.45 * frame.unit, frame.skull_z]
        )
        self.crown = self.centre + frame.unit * np.array([0.15, 1.1, -0.75])
        if style.combing == "parting":
            beside = (corners.mean(1)[:, 0] - frame.middle[0]) / frame.unit - style.parting
            self.density *= 1 + 4 * np.exp(-((beside / 0.22) ** 2))
        elif style.combing == "whorl":
            way = unit(corners.mean(1) - self.centre) - unit(self.crown - self.centre)
            self.density *= 1 + 3 * np.exp(-(((way / 0.25) ** 2).sum(1)))
        if self.density.sum() <= 0:
            raise InputError(f"grow_hair: template {template.name!r} has no scalp")

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
        return height, unit((self.normals[at] * weight[..., None]).sum(1))

    def near_ears(self, points: Float64Array) -> tuple[Float64Array, BoolArray]:
        """(N,) 1 at an ear, 0 well away from it, and whether a point is inside."""
        if self._ear_tree is None:
            return np.zeros(len(points)), np.zeros(len(points), np.bool_)
        distance, near = self._ear_tree.query(points, distance_upper_bound=0.045)
        found = np.isfinite(distance)
        at = self._ears[np.where(found, near, 0)]
        height = ((points - self.vertices[at]) * self.normals[at]).sum(1)
        inside = found & (distance < 0.012) & (height < 0)
        return np.where(found, np.clip(1.5 - distance / 0.03, 0, 1), 0.0), inside

    def keep_out(
        self, points: Float64Array, clearance: float | Float64Array
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Points pushed out of the head, their heights above it, and the way out, (N, 3)."""
        height, normal = self.surface(points)
        pushed = points + np.maximum(clearance - height, 0)[:, None] * normal
        away = unit(points - self.centre)
        # Far from the skin its nearest normal says little: hair there faces away from the skull.
        far = np.clip(height / 0.04, 0, 1)[:, None]
        return pushed, np.maximum(height, clearance), unit((1 - far) * normal + far * away)


def unit(vectors: Float64Array) -> Float64Array:
    """(..., 3) of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
