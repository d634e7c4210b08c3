"""Refinement of a first mesh: passes that follow each other, with shrinking reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.learning.train_on_readings import Places, VertexStage
from mien_training.capture.refinement.mesh_levels import mesh_levels, skin_vertices
from mien_training.capture.refinement.mesh_samples import mesh_samples
from mien_training.capture.refinement.refinement_net import RefinementNet
from mien_training.head import Template

__all__ = ["Refinement", "RefinementConfig"]


@dataclass(frozen=True)
class RefinementConfig:
    """How a first mesh is corrected."""

    layers: int = 9
    """Samples along each normal."""
    spacings_m: tuple[float, ...] = (0.0015,)
    """From one layer to the next, metres, in each pass."""
    width: int = 64
    """Channels of a vertex inside the nets."""
    surface: bool = True
    """Views count by how well they see each vertex; False: all alike, as far as it lies in them."""
    differences: bool = True
    """The net is told the difference between the place that is seen and the vertex' own."""

    def __post_init__(self) -> None:
        if self.layers < 1 or not self.layers % 2 or not self.spacings_m or self.width < 1:
            raise InputError(
                f"RefinementConfig: layers {self.layers}, spacings_m {self.spacings_m}, width "
                f"{self.width}, expected an odd number, at least one spacing, 1 or more"
            )


class Refinement(VertexStage):
    """The skin of the template."""

    triangles: Tensor
    canonical: Tensor

    def __init__(self, template: Template, features: int, config: RefinementConfig) -> None:
        """features: of the correspondence net."""
        super().__init__()
        chosen = skin_vertices(template)
        levels = mesh_levels(template, chosen)
        self.config = config
        self.passes = nn.ModuleList(
            RefinementNet(features, len(chosen), levels, config.layers, spacing, config.width)
            for spacing in config.spacings_m
        )
        for name, value in {
            "chosen": chosen, "triangles": template.triangles.astype(np.int64),
            "canonical": template.vertices,
        }.items():  # fmt: skip
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        maps, cameras = reading.seen(views, self.canonical)
        mesh, fitted, kept = (
            torch.from_numpy(value).to(self.canonical)
            for value in (reading.start, reading.fitted, reading.kept)
        )
        found = []
        for net in self.passes:
            assert isinstance(net, RefinementNet)
            with torch.no_grad():
                samples = mesh_samples(
                    mesh, self.triangles, self.chosen, self.canonical, maps, cameras, reading.side,
                    net.layers_m, self.config.surface, self.config.differences,
                )  # fmt: skip
            skin = mesh[self.chosen]
            step, spread = net(samples, skin, skin - fitted[self.chosen], kept[self.chosen])
            skin = skin + step
            found.append((skin, spread))
            # The rest of the mesh hides little, and stays.
            mesh = mesh.index_copy(0, self.chosen, skin.detach())
        return found
