"""Barycentric weights of points on triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError

__all__ = ["barycentric_weights"]


def barycentric_weights(corners: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """(N, 3) weights, summing to 1, of triangles' corners (N, 3, 3) at (N, 3) points of them.

    Points off a triangle's plane are taken at the foot of their perpendicular; triangles without
    area weigh their corners alike. Raises InputError for other shapes.
    """
    at, p = np.asarray(corners, np.float64), np.asarray(points, np.float64)
    if at.ndim != 3 or at.shape[1:] != (3, 3) or p.shape != (len(at), 3):
        raise InputError(
            f"barycentric_weights: corners {at.shape} and points {p.shape}, expected (N, 3, 3) "
            "and (N, 3)"
        )
    u, v, w = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0], p - at[:, 0]
    uu, uv, vv = (u * u).sum(1), (u * v).sum(1), (v * v).sum(1)
    wu, wv = (w * u).sum(1), (w * v).sum(1)
    area = uu * vv - uv * uv
    flat = area <= 1e-24 * np.maximum(uu, vv) ** 2
    below = np.where(flat, 1.0, area)
    b, c = (vv * wu - uv * wv) / below, (uu * wv - uv * wu) / below
    weights = np.stack([1 - b - c, b, c], 1)
    weights[flat] = 1 / 3
    return np.asarray(weights)
