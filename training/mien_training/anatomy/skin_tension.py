"""Stretch of the skin as `mien.deform.tension` measures it, for optimisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from mien.errors import InputError

__all__ = ["SkinTension"]


@dataclass(frozen=True, eq=False)
class SkinTension:
    """Of one mesh, by the summed length of every vertex's edges."""

    edges: Tensor
    """(E, 2) int64, each edge once."""
    rest: Tensor
    """(V,) float64 summed lengths in the neutral; 0 where a vertex has no edge."""

    @classmethod
    def of(cls, neutral: ArrayLike, triangles: ArrayLike) -> SkinTension:
        """Of vertices (V, 3) and (F, 3) triangles, not split at UV seams. Raises InputError for a
        mesh in which no edge has a length."""
        corners = np.asarray(triangles, np.int64)
        pairs = np.stack([corners, np.roll(corners, -1, axis=-1)], -1).reshape(-1, 2)
        edges = torch.from_numpy(np.unique(np.sort(pairs, 1), axis=0))
        rest = _around(torch.from_numpy(np.asarray(neutral, np.float64)), edges)
        if not bool((rest > 0).any()):
            raise InputError(
                f"SkinTension: {len(corners)} triangles without an edge of any length, expected a "
                "mesh"
            )
        return cls(edges, rest)

    def __call__(self, vertices: Tensor) -> Tensor:
        """(..., V) at vertices (..., V, 3): 0 neutral, +0.1 a tenth longer than the median vertex;
        the vertices' type. Differentiable where no edge is of length 0; the median is taken as
        given, for its slope jumps from vertex to vertex."""
        edges, rest = (part.to(vertices.device) for part in (self.edges, self.rest))
        known = rest > 0
        ratio = _around(vertices.double(), edges)[..., known] / rest[known]
        size = ratio.detach().nanmedian(-1, keepdim=True).values.clamp_min(1e-12)
        stretch = torch.zeros(vertices.shape[:-1], dtype=torch.float64, device=vertices.device)
        stretch[..., known] = ratio / size - 1
        return stretch.to(vertices.dtype)


def _around(places: Tensor, edges: Tensor) -> Tensor:
    """(..., V) summed lengths of every vertex's edges."""
    start, end = edges.unbind(1)
    lengths = (places[..., end, :] - places[..., start, :]).norm(dim=-1)
    total = torch.zeros(places.shape[:-1], dtype=places.dtype, device=places.device)
    return total.index_add(-1, start, lengths).index_add(-1, end, lengths)
