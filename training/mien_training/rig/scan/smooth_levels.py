"""The soft part of a head under less and less smoothing, each level going on from the last."""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.anatomy.soft_tissue import soft_tissue_topology
from mien_training.geometry.deformation_graph import DeformationGraph, Smoothing
from mien_training.head import Template

__all__ = ["SmoothingLevels"]


class SmoothingLevels:
    """Deformation graphs of one topology for many lambdas; interior edges take longest to find."""

    def __init__(self, template: Template, smoothing: Smoothing = "interior") -> None:
        self.topology = soft_tissue_topology(template, smoothing)
        self.vertices = self.topology.vertices
        self.inside = torch.zeros(len(self.topology.nodes) - len(self.vertices), 3)

    def at(self, lambda_: float, start: Tensor) -> tuple[DeformationGraph, Tensor]:
        """The map u -> displacements (V, 3) for one lambda, and the u that gives `start`.

        Nodes inside the head go on from where the last call's u had them.
        """
        if self.topology.smoothing == "none":
            return self.topology.graph(lambda_), start[self.vertices]
        pair = self.topology.coordinates(lambda_)
        smooth, free = pair.from_differential, len(self.vertices)

        def remember(u: Tensor) -> Tensor:
            moved = smooth(u)
            self.inside = moved[0, free:].detach()
            return moved

        u = pair.to_differential(torch.cat([start[self.vertices], self.inside]))
        nodes, count = len(self.topology.nodes), self.topology.vertex_count
        return DeformationGraph(self.vertices, nodes, count, remember), u
