"""Motions that carry one shape onto another, so that pose is not counted as error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien.tracker.pose import similarity
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.geometry.self_intersection import checked_mesh

__all__ = ["Align", "Alignment", "fit_alignment", "fit_rotation", "surface_alignment"]

Float64Array = NDArray[np.float64]
Align = Literal["none", "rigid", "similarity"]


@dataclass(frozen=True, eq=False)
class Alignment:
    """target = scale * rotation @ source + translation."""

    rotation: Float64Array
    """(3, 3)."""
    translation: Float64Array
    """(3,) in the target's unit."""
    scale: float = 1.0

    def points(self, points: ArrayLike) -> Float64Array:
        """(..., 3) positions, moved."""
        turned = np.asarray(points, np.float64) @ self.rotation.T
        return np.asarray(self.scale * turned + self.translation)

    def vectors(self, vectors: ArrayLike) -> Float64Array:
        """(..., 3) displacements, such as a rig's shapes, turned and scaled along."""
        return np.asarray(self.scale * (np.asarray(vectors, np.float64) @ self.rotation.T))


def fit_alignment(
    source: ArrayLike, target: ArrayLike, align: Align = "rigid", mask: ArrayLike | None = None
) -> Alignment:
    """Least squares over corresponding points (V, 3), those of `mask` (V,) only.

    In closed form (Umeyama 1991, "Least-Squares Estimation of Transformation Parameters Between
    Two Point Patterns", equations 40 to 43). Raises InputError for other shapes, fewer than
    three points, or points that are not finite.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if a.shape != b.shape or a.ndim != 2 or a.shape[1] != 3:
        raise InputError(f"fit_alignment: source {a.shape} and target {b.shape}, expected (V, 3)")
    if align not in ("none", "rigid", "similarity"):
        raise InputError(f"fit_alignment: align {align!r}, expected none, rigid or similarity")
    if align == "none":
        return Alignment(np.eye(3), np.zeros(3))
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.shape != a.shape[:1] or chosen.dtype != np.bool_:
            raise InputError(
                f"fit_alignment: mask {chosen.shape} of {chosen.dtype}, expected ({len(a)},) bool"
            )
        a, b = a[chosen], b[chosen]
    if len(a) < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(f"fit_alignment: {len(a)} points, expected at least 3, finite")
    scale, rotation, _ = similarity(a, b)
    if align == "rigid" or np.ptp(a, axis=0).max() == 0:  # one place has no size
        scale = 1.0
    return Alignment(rotation, b.mean(0) - scale * rotation @ a.mean(0), scale)


def fit_rotation(source: ArrayLike, target: ArrayLike) -> Float64Array:
    """(3, 3) proper rotation about the origin that best carries (N, 3) onto (N, 3) points.

    Least squares (Kabsch 1976, "A solution for the best rotation to relate two sets of vectors").
    Raises InputError as `fit_alignment`.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    # With their mirror images through the origin, points have it as their mean.
    return fit_alignment(np.concatenate([a, -a]), np.concatenate([b, -b])).rotation


def surface_alignment(
    points: ArrayLike,
    vertices: ArrayLike,
    triangles: ArrayLike,
    align: Align = "rigid",
    keep: float = 1.0,
    steps: int = 30,
) -> Alignment:
    """Moves (P, 3) points onto the surface of a mesh, without correspondences.

    Iterated closest points with the point-to-plane distance (Chen and Medioni 1992, "Object
    modelling by registration of multiple range images"): `steps` Gauss-Newton steps over the
    nearest share `keep` of the points, from where they are; start within a few centimetres and a
    few tens of degrees. Raises InputError for other shapes, fewer than three points or a share
    outside (0, 1].
    """
    start = np.asarray(points, np.float64)
    if not 0 < keep <= 1 or steps < 1:
        raise InputError(f"surface_alignment: keep {keep}, steps {steps}, expected 0..1 and >= 1")
    if align not in ("none", "rigid", "similarity"):
        raise InputError(f"surface_alignment: align {align!r}, expected none, rigid or similarity")
    if start.ndim != 2 or start.shape[1] != 3 or len(start) < 3:
        raise InputError(f"surface_alignment: points {start.shape}, expected (P, 3), P >= 3")
    mesh, faces = checked_mesh("surface_alignment", vertices, triangles)
    now = fit_alignment(start, start, "none")
    if align == "none":
        return now
    corners = mesh[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    for _ in range(steps):
        moved = now.points(start)
        hit = nearest_on_surface(mesh, faces, moved)
        near = hit.distance <= np.quantile(hit.distance, keep)
        p, q, n = moved[near], hit.positions[near], normals[hit.triangle[near]]
        middle = p.mean(0)  # turning about the points' own middle keeps the columns apart
        columns = [np.cross(p - middle, n), n]
        if align == "similarity":
            columns.append(((p - middle) * n).sum(1, keepdims=True))
        step = np.linalg.lstsq(np.concatenate(columns, 1), ((q - p) * n).sum(1), rcond=None)[0]
        turn, grow = _rotation(step[:3]), 1.0 + (float(step[6]) if len(step) > 6 else 0.0)
        shift = middle + step[3:6] - grow * turn @ middle
        now = Alignment(
            turn @ now.rotation, grow * turn @ now.translation + shift, grow * now.scale
        )
        if np.abs(step).max() < 1e-10:
            break
    return now


def _rotation(vector: Float64Array) -> Float64Array:
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(vector).as_matrix())
