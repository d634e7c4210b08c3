"""A mesh in several resolutions, for nets over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from mien_training.capture.coarse.control_vertices import farthest_points
from mien_training.geometry.laplacian import mesh_edges
from mien_training.head import MATERIALS, Template

__all__ = ["MeshLevels", "mesh_levels", "skin_vertices"]

_NEIGHBOURS = 8
_ABOVE = 3


@dataclass(frozen=True, eq=False)
class MeshLevels:
    """Of K vertices: level 0 are all of them, each further level fewer, some of those before."""

    neighbours: tuple[Tensor, ...]
    """Of each level, (N, N) sparse, rows that sum to 1: the mean of a place's neighbours."""
    down: tuple[Tensor, ...]
    """To each level but the first from the one before: means of those around; rows sum to 1."""
    up: tuple[Tensor, ...]
    """Back: interpolation among the nearest; rows sum to 1."""

    def mapped(self, change: Callable[[Tensor], Tensor]) -> MeshLevels:
        """With every matrix changed: to another device, for example."""
        return MeshLevels(*(tuple(map(change, m)) for m in (self.neighbours, self.down, self.up)))


def skin_vertices(template: Template) -> NDArray[np.int64]:
    """(K,) vertices of the template's skin."""
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    return np.unique(skin).astype(np.int64)


def mesh_levels(
    template: Template, chosen: NDArray[np.int64], sizes: tuple[int, ...] = (800, 200)
) -> MeshLevels:
    """chosen (K,): vertices of level 0; sizes: places of each further level."""
    at = template.vertices[chosen].astype(np.float64)
    edges = mesh_edges(template.triangles)
    edges = edges[np.isin(edges, chosen).all(1)]
    first, second = np.searchsorted(chosen, edges).T
    pairs = np.concatenate([np.stack([first, second], 1), np.stack([second, first], 1)])
    neighbours = [_rows(pairs, np.ones(len(pairs)), (len(at), len(at)))]
    down, up = [], []
    finer = np.arange(len(at))
    for size in sizes:
        kept = finer[farthest_points(at[finer], size)]
        tree = cKDTree(at[kept])
        # Every finer place belongs to its nearest kept one.
        owner = np.asarray(tree.query(at[finer])[1])
        pairs = np.stack([owner, np.arange(len(finer))], 1)
        down.append(_rows(pairs, np.ones(len(pairs)), (size, len(finer))))
        away, near = (np.asarray(x) for x in tree.query(at[finer], _ABOVE))
        pairs = np.stack([np.repeat(np.arange(len(finer)), _ABOVE), near.ravel()], 1)
        up.append(_rows(pairs, 1 / (away.ravel() + 1e-3), (len(finer), size)))
        near = np.asarray(tree.query(at[kept], _NEIGHBOURS + 1)[1])[:, 1:]
        pairs = np.stack([np.repeat(np.arange(size), _NEIGHBOURS), near.ravel()], 1)
        neighbours.append(_rows(pairs, np.ones(len(pairs)), (size, size)))
        finer = kept
    return MeshLevels(tuple(neighbours), tuple(down), tuple(up))


def _rows(
    pairs: NDArray[np.integer], values: NDArray[np.floating], shape: tuple[int, int]
) -> Tensor:
    """Sparse matrix whose rows sum to 1, of (N, 2) pairs of row and column."""
    total = np.bincount(pairs[:, 0], values, shape[0])
    share = values / np.maximum(total[pairs[:, 0]], 1e-12)
    index = torch.from_numpy(np.ascontiguousarray(pairs.T).astype(np.int64))
    entries = torch.from_numpy(share).float()
    return torch.sparse_coo_tensor(index, entries, shape, check_invariants=True).coalesce()
