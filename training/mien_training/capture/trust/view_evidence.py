"""Which views saw each vertex of a predicted mesh, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien_training.cameras import Camera, project
from mien_training.synthetic.capture.line_of_sight import LinesOfSight

__all__ = ["ViewEvidence", "view_evidence"]

Float64Array = NDArray[np.float64]

_SKIN = 0.5
"""Certainty from which a pixel counts as skin."""


@dataclass(frozen=True, eq=False)
class ViewEvidence:
    """C views of V vertices."""

    in_sight: NDArray[np.bool_]
    """(C, V) the vertex faces the camera, lies in its image, and the mesh does not hide it."""
    cosine: Float64Array
    """(C, V) of the angle between normal and line of sight; 0 where it is not in sight."""
    skin: Float64Array
    """(C, V) 0..1 how surely skin is seen there: not hair, glasses or a hand; 0 likewise."""
    towards: Float64Array
    """(C, V, 3) unit vectors from vertices to cameras."""
    away_m: Float64Array
    """(V,) distance to the nearest vertex that two views see, metres; 1 if there is none."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(C, V) in sight, and not hidden by anything else either."""
        return np.asarray(self.in_sight & (self.skin >= _SKIN))

    @property
    def views(self) -> NDArray[np.uint8]:
        """(V,) how many cameras saw each vertex."""
        return np.asarray(self.seen.sum(0).clip(0, 255), np.uint8)


def view_evidence(
    vertices: ArrayLike,
    normals: ArrayLike,
    triangles: NDArray[np.integer],
    cameras: Sequence[Camera],
    masks: Sequence[NDArray[np.floating] | None] | None = None,
) -> ViewEvidence:
    """Of vertices (V, 3), world, metres, with normals (V, 3), unit; triangles (F, 3).

    masks: for each view the certainty (H, W) that pixels show skin, as large as the image or a
    fraction of it; None: all that is in sight counts. Raises InputError for other shapes, numbers
    that are not finite, or no camera.
    """
    at, out = np.asarray(vertices, np.float64), np.asarray(normals, np.float64)
    if at.ndim != 2 or at.shape[1:] != (3,) or out.shape != at.shape or not len(cameras):
        raise InputError(
            f"view_evidence: vertices {at.shape}, normals {out.shape}, {len(cameras)} cameras, "
            "expected (V, 3) each, at least one"
        )
    if not (np.isfinite(at).all() and np.isfinite(out).all()):
        raise InputError("view_evidence: vertices or normals are not finite")
    given = [None] * len(cameras) if masks is None else list(masks)
    if len(given) != len(cameras):
        raise InputError(f"view_evidence: {len(given)} masks for {len(cameras)} cameras")
    sight = LinesOfSight(at.astype(np.float32), np.asarray(triangles, np.int32))
    shape = (len(cameras), len(at))
    in_sight, cosine, skin = np.zeros(shape, np.bool_), np.zeros(shape), np.zeros(shape)
    towards = np.empty((*shape, 3))
    for c, (camera, mask) in enumerate(zip(cameras, given, strict=True)):
        way = camera.centre - at
        towards[c] = way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        in_sight[c] = sight.seen(at.astype(np.float32), out.astype(np.float32), camera)
        cosine[c] = np.where(in_sight[c], (towards[c] * out).sum(1).clip(0, 1), 0.0)
        skin[c, in_sight[c]] = 1.0 if mask is None else _sampled(mask, camera, at[in_sight[c]], c)
    twice = (in_sight & (skin >= _SKIN)).sum(0) >= 2
    away = np.asarray(cKDTree(at[twice]).query(at)[0]) if twice.any() else np.ones(len(at))
    return ViewEvidence(in_sight, cosine, skin, towards, away.astype(np.float64))


def _sampled(
    mask: NDArray[np.floating], camera: Camera, points: Float64Array, number: int
) -> Float64Array:
    """(N,) values of the mask's pixels that show the points."""
    values = np.asarray(mask)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise InputError(
            f"view_evidence: mask {number} of shape {values.shape}, expected (H, W), finite"
        )
    pixels, _ = project(camera, points)
    column = (pixels[:, 0] * values.shape[1] / camera.width).astype(np.int64)
    row = (pixels[:, 1] * values.shape[0] / camera.height).astype(np.int64)
    found = values[row.clip(0, values.shape[0] - 1), column.clip(0, values.shape[1] - 1)]
    return np.asarray(found, np.float64).clip(0, 1)
