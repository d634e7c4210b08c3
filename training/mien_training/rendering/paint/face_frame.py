"""Where the features of a face are, for painting: from landmarks where a template has them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.head.landmark_sets import BROWS, LOWER_LIDS, OUTER_LIPS, UPPER_LIDS
from mien_training.head.template import MATERIALS, Template

__all__ = ["FaceFrame", "polygon_distance", "polyline_distance"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FaceFrame:
    """Anchors of one neutral head; lengths in metres, rig space."""

    eyes: Float32Array
    """(2, 3) centres of the left and the right eyeball."""
    eye_radius: float
    middle: Float32Array
    """(3,) midway between the eyes: the origin of `local`."""
    unit: float
    """Distance between the eyes: the unit of `local`."""
    skull_z: float
    """Depth of the skull's vertical axis."""
    brows: tuple[Float32Array, Float32Array]
    """Outlines (N, 2) of the left and right brow in x, y."""
    lips: Float32Array | None
    """Outline (N, 3) of the lips; None where the template has no such landmarks."""
    upper_lids: tuple[Float32Array, ...]
    """Polylines (N, 3) along the upper lids' margins, left then right; empty if unknown."""
    lower_lids: tuple[Float32Array, ...]

    @classmethod
    def of(cls, template: Template, vertices: Float32Array) -> FaceFrame:
        """Anchors of `template` with its vertices at (V, 3) neutral positions."""
        if vertices.shape != template.vertices.shape:
            raise InputError(
                f"FaceFrame.of: vertices {vertices.shape}, template {template.name!r} has "
                f"{template.vertices.shape}"
            )
        eye_corners = template.triangles[template.triangle_material == MATERIALS.index("eye")]
        points = vertices[np.unique(eye_corners)]
        sides = [points[points[:, 0] > 0], points[points[:, 0] <= 0]]
        if min(map(len, sides)) < 4:
            raise InputError(f"FaceFrame.of: template {template.name!r} has no pair of eyeballs")
        eyes, radius = _fit_spheres(sides)
        middle = eyes.mean(0)
        unit = float(np.linalg.norm(eyes[0] - eyes[1]))
        skin = vertices[np.unique(template.triangles[template.triangle_material == 0])]
        skull = skin[skin[:, 1] > middle[1]]
        landmarks = template.landmarks.positions(vertices, template.triangles)

        def known(indices: tuple[int, ...]) -> Float32Array | None:
            found = (
                landmarks[list(indices)] if len(landmarks) else np.full((1, 3), np.nan, np.float32)
            )
            return found if np.isfinite(found).all() else None

        brows = [known(b) for b in BROWS]
        lids = [[known(lid) for lid in row] for row in (UPPER_LIDS, LOWER_LIDS)]
        return cls(
            eyes=eyes,
            eye_radius=radius,
            middle=middle,
            unit=unit,
            skull_z=float(0.5 * (skull[:, 2].min() + skull[:, 2].max())),
            brows=(
                _guess_brow(eyes[0], unit) if brows[0] is None else brows[0][:, :2],
                _guess_brow(eyes[1], unit) if brows[1] is None else brows[1][:, :2],
            ),
            lips=known(OUTER_LIPS),
            upper_lids=tuple(lid for lid in lids[0] if lid is not None),
            lower_lids=tuple(lid for lid in lids[1] if lid is not None),
        )

    def local(self, points: Float32Array) -> Float32Array:
        """(N, 3) points in units of the distance between the eyes, from midway between them."""
        return np.asarray((points - self.middle) / np.float32(self.unit), np.float32)


def _fit_spheres(sides: list[Float32Array]) -> tuple[Float32Array, float]:
    """Least-squares centre of each eyeball, and the smaller radius of the two."""
    centres, radii = [], []
    for points in sides:
        p = points.astype(np.float64)
        a = np.concatenate([2.0 * p, np.ones((len(p), 1))], 1)
        x = np.linalg.lstsq(a, (p * p).sum(1), rcond=None)[0]
        centres.append(x[:3])
        radii.append(np.sqrt(x[3] + x[:3] @ x[:3]))
    return np.array(centres, np.float32), float(min(radii))


def _guess_brow(eye: Float32Array, unit: float) -> Float32Array:
    """(N, 2) an average brow over an eye, for templates without landmarks."""
    s = np.linspace(0.0, 1.0, 8)
    outward = np.sign(eye[0])
    x = eye[0] + outward * unit * (-0.30 + 0.68 * s)
    y = eye[1] + unit * (0.27 + 0.11 * np.sin(np.pi * np.minimum(s / 1.35, 1.0) ** 1.3) - 0.06 * s)
    half = unit * 0.068 * (1.0 - 0.7 * s**2)
    upper = np.stack([x, y + half], -1)
    return np.concatenate([upper, np.stack([x, y - half], -1)[::-1]]).astype(np.float32)


def polyline_distance(points: Float32Array, line: Float32Array) -> Float32Array:
    """(N,) distance of (N, D) points to a polyline (M, D); N x M memory."""
    best = np.full(len(points), np.inf, np.float32)
    for a, b in itertools.pairwise(line):
        along = b - a
        t = ((points - a) @ along / max(float(along @ along), 1e-18)).clip(0.0, 1.0)
        best = np.minimum(best, np.linalg.norm(points - a - t[:, None] * along, axis=1))
    return best


def polygon_distance(points: Float32Array, polygon: Float32Array) -> Float32Array:
    """(N,) signed distance of (N, 2) points to a closed polygon (M, 2): negative inside."""
    closed = np.concatenate([polygon, polygon[:1]])
    inside = np.zeros(len(points), np.bool_)
    x, y = points[:, 0], points[:, 1]
    for (ax, ay), (bx, by) in itertools.pairwise(closed):
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    distance = polyline_distance(points, closed)
    return np.where(inside, -distance, distance)
