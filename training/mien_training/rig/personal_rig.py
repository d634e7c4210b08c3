"""A person's neutral and shapes as small, smooth changes of a template.

    neutral = template + identity coefficients . modes + smooth(u_neutral)
    shape k = template's shape k + smooth(u_k)
    face    = R (neutral + sum_k w_k shape_k) + t

`smooth` recovers displacements from differential coordinates u (Nicolet et al. 2021), so that
every gradient moves a neighbourhood and noise stays small; with raw vertices it is the identity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien_training.rig.motion import Motion, rotation_from_vector
from mien_training.templates import Template

__all__ = ["PersonalRig", "Shapes"]

Smooth = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Shapes:
    """The rig at this point of the optimisation."""

    neutral: Tensor
    """(V, 3) metres, rig space."""
    deltas: Tensor
    """(K, V, 3) metres."""

    def posed(self, motion: Motion) -> Tensor:
        """(T, V, 3) vertices in the world at T moments."""
        face = self.neutral + torch.einsum("tk,kvx->tvx", motion.weights, self.deltas)
        rotation = rotation_from_vector(motion.rotation)
        return face @ rotation.transpose(-1, -2) + motion.translation[:, None]


class PersonalRig(nn.Module):
    """The unknowns of a person's rig; zero unknowns are the template itself."""

    template_vertices: Tensor
    template_deltas: Tensor
    modes: Tensor

    def __init__(self, template: Template, nodes: int, smooth: Smooth) -> None:
        """`smooth`: differential coordinates (..., nodes, 3) -> displacements; the first V of
        the nodes are the template's vertices, further ones lie inside the head.
        """
        super().__init__()
        count, vertices = len(template.shape_names), len(template.vertices)
        modes = (
            np.zeros((0, vertices, 3), np.float32)
            if template.identity is None
            else template.identity.modes
        )
        self.smooth = smooth
        self.register_buffer("template_vertices", torch.from_numpy(template.vertices))
        self.register_buffer("template_deltas", torch.from_numpy(template.shape_deltas))
        self.register_buffer("modes", torch.from_numpy(modes))
        self.identity = nn.Parameter(torch.zeros(len(modes)))
        self.u_neutral = nn.Parameter(torch.zeros(nodes, 3))
        self.u_deltas = nn.Parameter(torch.zeros(count, nodes, 3))

    def forward(self, personal_shapes: bool = True) -> Shapes:
        """The rig now. Without `personal_shapes` the template's shapes stay as they are."""
        vertices = len(self.template_vertices)
        neutral = self.template_vertices + torch.tensordot(self.identity, self.modes, dims=1)
        if not personal_shapes:
            moved = self.smooth(self.u_neutral[None])[0, :vertices]
            return Shapes(neutral + moved, self.template_deltas)
        both = torch.cat([self.u_neutral[None], self.u_deltas])
        moved = self.smooth(both)[:, :vertices]  # one solve for all right-hand sides
        return Shapes(neutral + moved[0], self.template_deltas + moved[1:])

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Neutral (V, 3) and shapes (K, V, 3) as they are now, metres."""
        with torch.no_grad():
            shapes = self()
        return shapes.neutral.cpu().numpy(), shapes.deltas.cpu().numpy()
