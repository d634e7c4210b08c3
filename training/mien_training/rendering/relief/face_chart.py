"""A face laid flat: where creases run is said in two numbers, the same on every head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien_training.rendering.paint.face_frame import FaceFrame

__all__ = ["FaceChart", "along_line"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FaceChart:
    """A cylinder about the skull's upright axis, unrolled; origin midway between the eyes.

    Right across the face (towards the character's left) and up, in distances between the eyes.
    """

    frame: FaceFrame

    @property
    def radius_m(self) -> float:
        """Of the cylinder: how far the eyes' middle lies before the axis."""
        return max(float(self.frame.middle[2]) - self.frame.skull_z, 0.5 * self.frame.unit)

    def flat(self, points: ArrayLike) -> tuple[Float32Array, Float32Array]:
        """(N, 2) of points (N, 3), metres, rig space, and (N,) metres of skin across per metre of
        the cylinder there."""
        p = np.asarray(points, np.float32)
        across, depth = p[:, 0] - self.frame.middle[0], p[:, 2] - self.frame.skull_z
        turned = np.arctan2(across, depth) * (self.radius_m / self.frame.unit)
        height = (p[:, 1] - self.frame.middle[1]) / self.frame.unit
        own = np.hypot(across, depth) / self.radius_m
        return np.stack([turned, height], 1).astype(np.float32), own.astype(np.float32)


def along_line(
    points: Float32Array, line: ArrayLike, metric: ArrayLike = (1.0, 1.0)
) -> tuple[Float32Array, Float32Array]:
    """(N,) distances of (N, 2) points from a polyline (M, 2), and (N,) how far along it, counted in
    its segments, the nearest point lies, 0..1. metric: length of both axes' units, of all points
    (2,) or at each (N, 2)."""
    knots, scale = np.asarray(line, np.float32), np.asarray(metric, np.float32)
    begins = np.linspace(0.0, 1.0, len(knots))[:-1]
    best = np.full(len(points), np.inf, np.float32)
    place = np.zeros_like(best)
    for a, b, begin in zip(knots[:-1], knots[1:], begins, strict=True):
        along, off = (b - a) * scale, (points - a) * scale
        squared = np.maximum((along**2).sum(-1), 1e-18)
        t = ((off * along).sum(1) / squared).clip(0.0, 1.0)
        distance = np.linalg.norm(off - t[:, None] * along, axis=1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        place = np.where(nearer, begin + t / len(begins), place)
    return best.astype(np.float32), place.astype(np.float32)
