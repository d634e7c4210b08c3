"""Nodes on and inside a mesh that move together: differential coordinates -> displacements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.geometry.differential_coordinates import DifferentialCoordinates
from mien_training.geometry.laplacian import Int64Array, mesh_edges, uniform_laplacian
from mien_training.geometry.tetrahedral_edges import ContactPair, tetrahedral_edges

__all__ = ["DeformationGraph", "GraphTopology", "Smoothing"]

Smoothing = Literal["interior", "surface", "none"]
"""Differential coordinates over the surface and through the solid, over the surface, or none."""


class DeformationGraph(nn.Module):
    """Differential coordinates of nodes -> displacements of all vertices."""

    vertex: Tensor

    def __init__(
        self,
        vertices: Int64Array,
        nodes: int,
        vertex_count: int,
        smooth: Callable[[Tensor], Tensor],
    ) -> None:
        """`vertices` (F,): the mesh's vertex of each of the first F of `nodes`, ascending; the
        other nodes lie inside. `smooth`: (M, nodes, 3) -> (M, nodes, 3).
        """
        super().__init__()
        if nodes < len(vertices) or (np.diff(vertices) <= 0).any():
            raise InputError(f"DeformationGraph: {len(vertices)} vertices, {nodes} nodes")
        self.count, self.vertex_count, self.smooth = nodes, vertex_count, smooth
        self.register_buffer("vertex", torch.from_numpy(vertices))

    def forward(self, u: Tensor) -> Tensor:
        """(M, V, 3) displacements of (M, nodes, 3) coordinates, metres; 0 where nothing is free."""
        moved = self.smooth(u)[:, : len(self.vertex)]
        return u.new_zeros(len(u), self.vertex_count, 3).index_copy(1, self.vertex, moved)


@dataclass(frozen=True, eq=False)
class GraphTopology:
    """The nodes and edges of a part of a mesh; costly to build, and the same for every lambda."""

    smoothing: Smoothing
    vertex_count: int
    """V of the whole mesh."""
    nodes: Int64Array
    """(N,) ascending: vertices of the part, then V and up: nodes inside it."""
    interior_edges: Int64Array
    """(E, 2) edges beyond the surface's own, i < j, numbered as `nodes`' values."""
    laplacian: csr_array
    """(N, N) uniform, over both kinds of edges."""

    @classmethod
    def build(
        cls,
        vertices: ArrayLike,
        triangles: NDArray[np.integer],
        smoothing: Smoothing = "interior",
        spacing_m: float = 0.012,
        contact_pairs: Sequence[ContactPair] = (),
        motions: ArrayLike | None = None,
    ) -> GraphTopology:
        """Of the part of (V, 3) `vertices` that (F, 3) `triangles` use.

        spacing_m, contact_pairs, motions: as `tetrahedral_edges` takes them.
        """
        count = len(np.asarray(vertices))
        node_count, extra = count, np.zeros((0, 2), np.int64)
        if smoothing == "interior":
            found = tetrahedral_edges(vertices, triangles, spacing_m, contact_pairs, motions)
            node_count, extra = len(found.nodes), found.edges
        nodes = np.append(np.unique(triangles).astype(np.int64), np.arange(count, node_count))
        row = np.full(node_count, -1)
        row[nodes] = np.arange(len(nodes))
        laplacian = uniform_laplacian(row[mesh_edges(triangles)], len(nodes), row[extra])
        return cls(smoothing, count, nodes, extra, laplacian)

    @property
    def vertices(self) -> Int64Array:
        """(F,) the part's vertices, ascending."""
        return self.nodes[self.nodes < self.vertex_count]

    def around(self, members: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) nodes that are in `members` (V,), and those inside joined to them by an edge."""
        kept = np.zeros(int(self.nodes.max(initial=-1)) + 1, bool)
        kept[self.vertices] = members[self.vertices]
        i, j = self.interior_edges.T
        inwards = (i < self.vertex_count) & (j >= self.vertex_count)
        kept[j[inwards & members[np.where(i < self.vertex_count, i, 0)]]] = True
        return kept[self.nodes]

    def coordinates(
        self, lambda_: float, kept: NDArray[np.bool_] | None = None
    ) -> DifferentialCoordinates:
        """Of the nodes, those of `kept` (N,) only.

        Rows and columns of the others are left out: displacements fade to zero towards them.
        """
        if kept is None:
            return DifferentialCoordinates(self.laplacian, lambda_)
        rows = np.flatnonzero(kept)
        return DifferentialCoordinates(self.laplacian[rows][:, rows], lambda_)

    def graph(self, lambda_: float, kept: NDArray[np.bool_] | None = None) -> DeformationGraph:
        """The map for one lambda; nodes that are not `kept` (N,) stay where they are."""
        nodes = self.nodes if kept is None else self.nodes[kept]
        vertices = nodes[nodes < self.vertex_count]
        if self.smoothing == "none":
            return DeformationGraph(vertices, len(vertices), self.vertex_count, _unchanged)
        smooth = self.coordinates(lambda_, kept).from_differential
        return DeformationGraph(vertices, len(nodes), self.vertex_count, smooth)


def _unchanged(u: Tensor) -> Tensor:
    return u
