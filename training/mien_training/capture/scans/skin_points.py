"""Which points of a scan are skin: near the head that pictures show, where they show skin."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.capture.coarse.view_samples import sample_views
from mien_training.capture.learning.moment_reading import LAYERS, MomentReading
from mien_training.capture.refinement.mesh_samples import vertex_visibility

__all__ = ["skin_points"]

_NEAR_M = 0.02
"""Beyond that from the first mesh, a scan shows hair, clothes or a chair."""
_LEAST_SKIN = 0.5


def skin_points(
    reading: MomentReading, triangles: NDArray[np.integer], points: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """(N,) of points (N, 3), head space, metres.

    A point is skin if the views that see the vertex next to it show skin there, on average; if
    none sees it, it is believed.
    """
    away, nearest = (np.asarray(x) for x in cKDTree(reading.start).query(points))
    near = away < _NEAR_M
    at = torch.from_numpy(points.astype(np.float32))
    cameras, side = reading.cameras(), reading.side
    channel = list(LAYERS).index("skin")
    before = sum(list(LAYERS.values())[:channel])
    skin = torch.from_numpy(reading.maps[:, before : before + 1].astype(np.float32))
    with torch.no_grad():
        visible = vertex_visibility(
            torch.from_numpy(reading.start), torch.from_numpy(triangles.astype(np.int64)),
            torch.from_numpy(nearest.astype(np.int64)), cameras, side, skin.shape[-1],
        )  # fmt: skip
        shown, inside = sample_views(skin[None], at[None], cameras, (side, side))
    weight = visible * inside[0]
    mean = (weight * shown[0, :, 0]).sum(0) / weight.sum(0).clamp_min(1e-6)
    kept: NDArray[np.bool_] = ((mean > _LEAST_SKIN) | (weight.sum(0) < 1e-3)).numpy()
    return near & kept
