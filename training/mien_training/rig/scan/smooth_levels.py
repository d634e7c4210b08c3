"""The soft part of a head as nodes of one graph, smoothed more or less."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mien_training.geometry.deformation_graph import FreeNodes, Smoothing
from mien_training.geometry.differential_coordinates import DifferentialCoordinates
from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.geometry.tetrahedral_edges import tetrahedral_edges
from mien_training.head import MATERIALS, Template
from mien_training.templates.contact_pairs import forbidden_pairs

__all__ = ["SmoothLevels"]

_SPACING_M = 0.012


class SmoothLevels:
    """Skin and mouth of a template, and the inside of the head if it is tied; built once.

    `FreeNodes.of` with one graph for many lambdas: ties take longest.
    """

    def __init__(self, template: Template, smoothing: Smoothing = "ties") -> None:
        self.smoothing = smoothing
        soft = [MATERIALS.index(name) for name in ("skin", "mouth")]
        triangles = template.triangles[np.isin(template.triangle_material, soft)]
        self.count = len(template.vertices)
        self.vertices = np.unique(triangles).astype(np.int64)
        nodes, ties = self.count, np.zeros((0, 2), np.int64)
        if smoothing == "ties":
            tied = tetrahedral_edges(
                template.vertices, triangles, _SPACING_M, forbidden_pairs(template),
                template.shape_deltas,
            )  # fmt: skip
            nodes, ties = len(tied.nodes), tied.edges
        self.nodes = np.append(self.vertices, np.arange(self.count, nodes))
        row = np.full(nodes, -1)
        row[self.nodes] = np.arange(len(self.nodes))
        self._laplacian = uniform_laplacian(row[mesh_edges(triangles)], len(self.nodes), row[ties])
        self._inside = torch.zeros(nodes - self.count, 3)

    def at(self, lambda_: float, start: Tensor) -> tuple[FreeNodes, Tensor]:
        """The map u -> displacements (V, 3) for one lambda, and the u that gives `start`.

        Nodes inside the head go on from where the last call's u had them.
        """
        free = len(self.vertices)
        if self.smoothing == "none":
            return FreeNodes(self.vertices, free, self.count, _as_they_are), start[self.vertices]
        pair = DifferentialCoordinates(self._laplacian, lambda_)
        smooth = pair.from_differential

        def remember(u: Tensor) -> Tensor:
            moved = smooth(u)
            self._inside = moved[0, free:].detach()
            return moved

        u = pair.to_differential(torch.cat([start[self.vertices], self._inside]))
        return FreeNodes(self.vertices, len(self.nodes), self.count, remember), u


def _as_they_are(u: Tensor) -> Tensor:
    return u
