"""A person's neutral and shapes as small, smooth changes of a template.

    neutral = template + identity coefficients . modes + carried(smooth(u_neutral)) + rest
    shape k = template's shape k + falloff_k . both(smooth(u_k))
    face    = R (neutral + sum_k w_k shape_k) + t

`smooth` recovers displacements from differential coordinates u (Nicolet et al. 2021), so that
every gradient moves a neighbourhood and noise stays small; `carried` takes eyes and teeth along
(`RigidParts`); `falloff` is proportional to how far the template's shape moves each vertex; `rest`
is what shapes show all the time (`absorb_rest_pose`).

The semantic terms of the paper (locality, symmetry) are in how shapes are made of their unknowns,
which are standard normal beforehand: a shape moves where the template's does, and more where that
moves more; `both` makes left and right alike, but not quite. Without them a joint fit of shapes B
and weights w is free up to B Q, Q^-1 w: the images fit as well, and jawOpen is no jaw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from mien.channels import mirror_name
from mien.errors import InputError
from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.geometry.deformation_graph import DeformationGraph
from mien_training.head import Template
from mien_training.rig.model.motion import Motion, rotation_from_vector

__all__ = ["PersonalRig", "ShapePrior", "Shapes"]

_EVEN_M = 0.003
"""Without `semantic_prior` every shape may change this far everywhere."""
_NEUTRAL_M = 0.0015
"""Spread of a pass's change of the neutral."""
_EYES_M = 0.006
"""How far beyond the lids their motion hides and shows what lies behind."""
_PROBES = 8


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


@dataclass(frozen=True)
class ShapePrior:
    """How shapes of persons differ, before anything is seen of them."""

    share: float = 0.2
    """Spread of a shape's change along each axis, in parts of how far the template moves there."""
    one_sided: float = 0.25
    """Part of the change's energy that left and right do not have in common."""
    evidence_weight: float = 0.2
    """How much of what frames say of shapes counts, from three cameras: occlusion and shading
    mislead all frames alike. Of fewer or more cameras, in proportion, as they err differently."""
    around_eyes: float = 0.02
    """The same around the eyes, at most, where lids cover and uncover what lies behind."""
    semantic_prior: bool = True
    """False: any shape may change anywhere; for comparison."""

    def __post_init__(self) -> None:
        amounts = (self.share, self.evidence_weight, self.around_eyes)
        if not (all(a >= 0 for a in amounts) and 0 <= self.one_sided <= 1):
            raise InputError(
                f"ShapePrior: share {self.share}, one_sided {self.one_sided}, "
                f"evidence_weight {self.evidence_weight}, around_eyes {self.around_eyes}; "
                "expected amounts of 0 or more, one_sided within 0..1"
            )

    def evidence_of(self, cameras: int) -> float:
        """`evidence_weight` from so many cameras."""
        return min(self.evidence_weight * cameras / 3, 1.0)


class PersonalRig(nn.Module):
    """The unknowns of a person's rig; zero unknowns are the template itself."""

    template_vertices: Tensor
    template_deltas: Tensor
    modes: Tensor
    falloff: Tensor
    eyes: Tensor
    mirror_vertex: Tensor
    mirror_shape: Tensor
    rest: Tensor

    def __init__(
        self, template: Template, neutral_nodes: DeformationGraph, shape_nodes: DeformationGraph,
        prior: ShapePrior,
    ) -> None:  # fmt: skip
        """What may move in the neutral, and what in the shapes."""
        super().__init__()
        vertices, deltas, names = template.vertices, template.shape_deltas, template.shape_names
        modes = (
            np.zeros((0, *vertices.shape), np.float32)
            if template.identity is None
            else template.identity.modes
        )
        self.neutral_nodes, self.shape_nodes, self.prior = neutral_nodes, shape_nodes, prior
        self.carry_rigid_parts = RigidParts(template)
        self.register_buffer("template_vertices", torch.tensor(vertices))
        self.register_buffer("template_deltas", torch.tensor(deltas))
        self.register_buffer("modes", torch.from_numpy(modes))
        mirrored = [names.index(mirror_name(n)) if mirror_name(n) in names else k
                    for k, n in enumerate(names)]  # fmt: skip
        self.register_buffer("mirror_vertex", torch.from_numpy(template.mirror).long())
        self.register_buffer("mirror_shape", torch.tensor(mirrored))
        self.register_buffer("rest", torch.zeros(vertices.shape))
        self.identity = nn.Parameter(torch.zeros(len(modes)))
        self.u_neutral = nn.Parameter(torch.zeros(neutral_nodes.count, 3))
        self.u_shapes = nn.Parameter(
            torch.zeros(len(names), shape_nodes.count, 3), requires_grad=False
        )
        far = (
            np.linalg.norm(deltas, axis=2)
            if prior.semantic_prior
            else np.full(deltas.shape[:2], _EVEN_M)
        )
        falloff = prior.share / _smoothed_rms(shape_nodes) * torch.from_numpy(far).float()
        self.register_buffer("falloff", falloff[..., None])
        self.register_buffer("eyes", torch.from_numpy(_around_eyes(template)))
        self._neutral_unit = _NEUTRAL_M / _smoothed_rms(neutral_nodes)

    def neutral(self) -> Tensor:
        """(V, 3) the neutral now."""
        people = torch.tensordot(self.identity, self.modes, dims=1)
        moved = self._neutral_change(self.u_neutral)
        neutral: Tensor = self.template_vertices + people + moved + self.rest
        return neutral

    def shape_changes(self, u: Tensor) -> Tensor:
        """(K, V, 3) what unknowns (K, nodes, 3) add to the template's shapes, metres; linear."""
        changes: Tensor = self.falloff * self._both(self.shape_nodes(u))
        return changes

    def unknowns(self, people: bool = False) -> Tensor:
        """(N,) the shapes' as they are now, and zeros for a change of the neutral: free, and with
        `people` also as the template's people differ."""
        known = self.identity if people else self.identity[:0]
        neutral = (self.u_neutral.flatten(), known)
        return torch.cat([self.u_shapes.flatten(), *(torch.zeros_like(part) for part in neutral)])

    def changes(self, unknowns: Tensor) -> Tensor:
        """(K + 1, V, 3) what (N,) unknowns add to the shapes, and last to the neutral; linear."""
        shapes, neutral, people = self._parts(unknowns)
        known = torch.tensordot(people, self.modes[: len(people)], dims=1)
        moved = self._neutral_change(neutral) + known
        return torch.cat([self.shape_changes(shapes), moved[None]])

    def evidence(self, cameras: int) -> Tensor:
        """(V,) how much of what frames of so many cameras say of shapes counts at each vertex."""
        usual = self.prior.evidence_of(cameras)
        return torch.where(self.eyes, min(usual, self.prior.around_eyes), usual)

    def take(self, unknowns: Tensor, neutral: bool = True) -> None:
        """Make the shapes those of (N,) unknowns, and add their change to the neutral if that is
        wanted."""
        shapes, moved, people = self._parts(unknowns)
        self.u_shapes.copy_(shapes)
        if neutral:
            self.u_neutral.add_(moved)
            self.identity[: len(people)].add_(people)

    def forward(self, personal_shapes: bool = True) -> Shapes:
        """The rig now. Without `personal_shapes` the template's shapes stay as they are."""
        if not personal_shapes:
            return Shapes(self.neutral(), self.template_deltas)
        return Shapes(self.neutral(), self.template_deltas + self.shape_changes(self.u_shapes))

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Neutral (V, 3) and shapes (K, V, 3) as they are now, metres."""
        with torch.no_grad():
            shapes = self()
        return shapes.neutral.cpu().numpy(), shapes.deltas.cpu().numpy()

    def _parts(self, unknowns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Coordinates of the shapes (K, nodes, 3), and changes of the neutral's (nodes, 3) and of
        the identity's, as many as there are."""
        shapes, neutral = self.u_shapes.numel(), self.u_neutral.numel()
        people = len(unknowns) - shapes - neutral
        parts = torch.split(unknowns, [shapes, neutral, people])
        moved = self._neutral_unit * parts[1].reshape(self.u_neutral.shape)
        return parts[0].reshape(self.u_shapes.shape), moved, parts[2]

    def _both(self, field: Tensor) -> Tensor:
        """Left from right and right from left, so that they share `1 - one_sided` of energy."""
        if not self.prior.semantic_prior:
            return field
        common, own = (2 - self.prior.one_sided) ** 0.5, self.prior.one_sided**0.5
        flip = field.new_tensor([-1.0, 1.0, 1.0])
        mirrored = field[self.mirror_shape][:, self.mirror_vertex] * flip
        mixed: Tensor = (common + own) / 2 * field + (common - own) / 2 * mirrored
        return mixed

    def _neutral_change(self, u: Tensor) -> Tensor:
        """(V, 3) by differential coordinates (nodes, 3), eyes and teeth carried along."""
        moved: Tensor = self.carry_rigid_parts(self.neutral_nodes(u[None])[0])
        return moved


def _around_eyes(template: Template) -> NDArray[np.bool_]:
    """(V,) eyes, lids and what is near them."""
    v, lids = template.vertices, template.regions["lids"]
    if not lids.any():
        return template.regions["eyes"]
    distance = np.asarray(cKDTree(v[lids]).query(v, distance_upper_bound=_EYES_M)[0])
    return np.asarray((distance <= _EYES_M) | template.regions["eyes"])


def _smoothed_rms(nodes: DeformationGraph) -> float:
    """Root mean square of what the smoothing leaves of standard normal coordinates."""
    rng = torch.Generator().manual_seed(0)
    left = nodes(torch.randn(_PROBES, nodes.count, 3, generator=rng))[:, nodes.vertex]
    return float(left.square().mean().sqrt())
