"""A person's neutral and shapes as small, smooth changes of a template.

    neutral = template + identity coefficients . modes + follow(smooth(u_neutral))
    shape k = template's shape k + smooth(u_k)
    face    = R (neutral + sum_k w_k shape_k) + t

`smooth` recovers displacements from differential coordinates u (Nicolet et al. 2021), so that
every gradient moves a neighbourhood and noise stays small; `follow` carries eyes and teeth along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien_training.rig.followers import Followers
from mien_training.rig.free_nodes import FreeNodes
from mien_training.rig.motion import Motion, rotation_from_vector
from mien_training.templates import Template

__all__ = ["PersonalRig", "Shapes"]


@dataclass(frozen=True, eq=False)
class Shapes:
    """The rig at this point of the optimisation."""

    neutral: Tensor
    """(V, 3) metres, rig space."""
    deltas: Tensor
    """(K, V, 3) metres."""

    def posed(self, motion: Motion) -> Tensor:
        """(T, V, 3) vertices in the world at T moments."""
        count, vertices, _ = self.deltas.shape
        offsets = motion.weights @ self.deltas.reshape(count, -1)
        face = self.neutral + offsets.reshape(-1, vertices, 3)
        rotation = rotation_from_vector(motion.rotation)
        return face @ rotation.transpose(-1, -2) + motion.translation[:, None]


class PersonalRig(nn.Module):
    """The unknowns of a person's rig; zero unknowns are the template itself."""

    template_vertices: Tensor
    template_deltas: Tensor
    modes: Tensor

    def __init__(
        self, template: Template, neutral_nodes: FreeNodes, shape_nodes: FreeNodes
    ) -> None:
        """What may move in the neutral, and what in the shapes."""
        super().__init__()
        vertices = template.vertices
        modes = (
            np.zeros((0, *vertices.shape), np.float32)
            if template.identity is None
            else template.identity.modes
        )
        self.neutral_nodes, self.shape_nodes = neutral_nodes, shape_nodes
        self.follow = Followers(template)
        self.register_buffer("template_vertices", torch.from_numpy(vertices))
        self.register_buffer("template_deltas", torch.from_numpy(template.shape_deltas))
        self.register_buffer("modes", torch.from_numpy(modes))
        self.identity = nn.Parameter(torch.zeros(len(modes)))
        self.u_neutral = nn.Parameter(torch.zeros(neutral_nodes.count, 3))
        self.u_deltas = nn.Parameter(torch.zeros(len(template.shape_names), shape_nodes.count, 3))

    def forward(self, personal_shapes: bool = True) -> Shapes:
        """The rig now. Without `personal_shapes` the template's shapes stay as they are."""
        people = torch.tensordot(self.identity, self.modes, dims=1)
        moved = self.follow(self.neutral_nodes(self.u_neutral[None])[0])
        neutral = self.template_vertices + people + moved
        if not personal_shapes:
            return Shapes(neutral, self.template_deltas)
        return Shapes(neutral, self.template_deltas + self.shape_nodes(self.u_deltas))

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Neutral (V, 3) and shapes (K, V, 3) as they are now, metres."""
        with torch.no_grad():
            shapes = self()
        return shapes.neutral.cpu().numpy(), shapes.deltas.cpu().numpy()
