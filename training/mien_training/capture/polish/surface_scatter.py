"""Places scattered evenly over a part of a surface, some of them kept to judge by."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["held_out_places", "scatter_places"]

_CELL_M = 0.006


def scatter_places(
    vertices: NDArray[np.float64], triangles: NDArray[np.integer], spacing_m: float, seed: int
) -> tuple[Tensor, Tensor]:
    """Triangle (P,) int64 among (F, 3) and share (P, 3) of its corners, about one place for every
    square of `spacing_m`. A function of the arguments alone."""
    rng = np.random.default_rng(seed)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    count = int(area.sum() / spacing_m**2)
    # One in each of as many equal parts of the area: neighbouring triangles share them fairly.
    at = (np.arange(count) + rng.random(count)) / max(count, 1) * area.sum()
    triangle = np.searchsorted(np.cumsum(area), at).clip(max=len(triangles) - 1)
    root, along = np.sqrt(rng.random(count)), rng.random(count)
    share = np.stack([1 - root, root * (1 - along), root * along], 1)
    return torch.from_numpy(triangle.astype(np.int64)), torch.from_numpy(share).float()


def held_out_places(places: NDArray[np.floating], part: float) -> NDArray[np.bool_]:
    """(P,) those of (P, 3) places on the template, metres, that lie in patches that only judge.

    Patches, not single places: neighbours see the same pixels.
    """
    cell = np.floor(places / _CELL_M).astype(np.int64)
    mixed = (cell * np.array([73_856_093, 19_349_663, 83_492_791])).sum(1) & 0x7FFFFFFF
    mixed = (mixed ^ (mixed >> 13)) * 1_274_126_177 & 0x7FFFFFFF
    return np.asarray((mixed >> 8) % 1000 < 1000 * part)
