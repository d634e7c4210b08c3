"""Which of a template's vertices have a displacement of their own, and how it is kept smooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.geometry.differential_coordinates import DifferentialCoordinates
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.geometry.tetrahedral_edges import tetrahedral_edges
from mien_training.head import MATERIALS, Template
from mien_training.templates.contact_pairs import forbidden_pairs
from mien_training.templates.regions import dilated

__all__ = ["FreeNodes", "Smoothing"]

Smoothing = Literal["ties", "surface", "none"]
"""Differential coordinates over the surface and through the head, over the surface, or none."""

_SOFT = ("skin", "mouth")
"""Everything else (eyeballs, teeth, tongue) is rigid and follows."""


class FreeNodes(nn.Module):
    """Differential coordinates of nodes -> displacements of all vertices."""

    vertex: Tensor

    def __init__(
        self,
        vertices: NDArray[np.int64],
        nodes: int,
        vertex_count: int,
        smooth: Callable[[Tensor], Tensor],
    ) -> None:
        """`vertices` (F,): the template's vertex of each of the first F of `nodes`, ascending;
        the other nodes lie inside the head. `smooth`: (M, nodes, 3) -> (M, nodes, 3).
        """
        super().__init__()
        if nodes < len(vertices) or (np.diff(vertices) <= 0).any():
            raise InputError(f"FreeNodes: {len(vertices)} vertices, {nodes} nodes")
        self.count, self.vertex_count, self.smooth = nodes, vertex_count, smooth
        self.register_buffer("vertex", torch.from_numpy(vertices))

    @classmethod
    def of(
        cls,
        template: Template,
        smoothing: Smoothing = "ties",
        lambda_: float = 19.0,
        spacing_m: float = 0.012,
        moving_m: float | None = None,
    ) -> FreeNodes:
        """The skin's and the mouth's vertices.

        moving_m: only what some shape of the template moves farther than this, metres, and four
        rings around it; the rest stays where it is, and the smoothing knows.
        """
        soft = np.isin(template.triangle_material, [MATERIALS.index(m) for m in _SOFT])
        triangles = template.triangles[soft]
        count = len(template.vertices)
        member = np.zeros(count, bool)
        member[triangles] = True
        node_count, extra = count, np.zeros((0, 2), np.int64)
        if smoothing == "ties":
            ties = tetrahedral_edges(
                template.vertices, triangles, spacing_m, forbidden_pairs(template),
                template.shape_deltas,
            )  # fmt: skip
            node_count, extra = len(ties.nodes), ties.edges
        whole = np.append(np.flatnonzero(member), np.arange(count, node_count))
        new = np.full(node_count, -1)
        new[whole] = np.arange(len(whole))
        laplacian = uniform_laplacian(new[mesh_edges(triangles)], len(whole), new[extra])
        kept = np.ones(len(whole), bool)
        if moving_m is not None:
            moves = np.linalg.norm(template.shape_deltas, axis=2).max(0, initial=0.0) > moving_m
            near = dilated(moves & member, triangles, 4) & member
            inside = np.zeros(node_count - count, bool)
            ends = extra[(extra[:, 0] < count) & (extra[:, 1] >= count)]
            inside[ends[near[ends[:, 0]], 1] - count] = True
            kept = np.append(near[member], inside)
        rows = np.flatnonzero(kept)
        vertices = whole[rows][whole[rows] < count]
        if smoothing == "none":
            return cls(vertices, len(vertices), count, _as_they_are)
        # Rows and columns of what stays still are left out: displacements fade to zero there.
        coordinates = DifferentialCoordinates(laplacian[rows][:, rows], lambda_)
        return cls(vertices, len(rows), count, coordinates.from_differential)

    def forward(self, u: Tensor) -> Tensor:
        """(M, V, 3) displacements of (M, nodes, 3) coordinates, metres; 0 where nothing is free."""
        moved = self.smooth(u)[:, : len(self.vertex)]
        return u.new_zeros(len(u), self.vertex_count, 3).index_copy(1, self.vertex, moved)


def _as_they_are(u: Tensor) -> Tensor:
    return u
