"""What correspondences near each vertex say against the mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from mien.errors import InputError

__all__ = ["vertex_residuals"]

Float64Array = NDArray[np.float64]

_NEIGHBOURS = 16


def vertex_residuals(
    vertices: ArrayLike,
    places: ArrayLike,
    residuals_m: ArrayLike,
    certainty: ArrayLike | None = None,
    reach_m: float = 0.01,
) -> Float64Array:
    """(V,) root mean square of the residuals about each vertex, metres; NaN where there are none.

    places (N, 3): where on the mesh correspondences lie, in the space of vertices (V, 3), metres;
    residuals_m (N,) of each, as distances there; certainty (N,). The 16 nearest of a vertex
    count, by a Gaussian of `reach_m`, within three times that. Raises InputError for other shapes
    or numbers that are not finite.
    """
    at, where = np.asarray(vertices, np.float64), np.asarray(places, np.float64)
    off = np.asarray(residuals_m, np.float64)
    sure = np.ones(len(off)) if certainty is None else np.asarray(certainty, np.float64)
    if at.ndim != 2 or where.shape != (len(off), 3) or sure.shape != off.shape or reach_m <= 0:
        raise InputError(
            f"vertex_residuals: vertices {at.shape}, places {where.shape}, residuals_m "
            f"{off.shape}, certainty {sure.shape}, reach_m {reach_m}, expected (V, 3), (N, 3), "
            "(N,), (N,) and above 0"
        )
    if not all(np.isfinite(values).all() for values in (at, where, off, sure)):
        raise InputError("vertex_residuals: some numbers are not finite")
    if not len(off):
        return np.full(len(at), np.nan)
    count = min(_NEIGHBOURS, len(off))
    found = cKDTree(where).query(at, k=count, distance_upper_bound=3 * reach_m)
    away, index = (np.reshape(part, (len(at), count)) for part in found)
    none = ~np.isfinite(away)
    index[none] = 0
    weight = sure[index] * np.where(none, 0.0, np.exp(-0.5 * (away / reach_m) ** 2))
    total = weight.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * off[index] ** 2).sum(1) / total
    return np.asarray(np.where(total > 1e-6, np.sqrt(mean), np.nan))
