"""What an image and the tracker's points say about one frame's weights and head pose."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.footage.observations import Observations
from mien_training.rig.model.motion import Motion, left_jacobian, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.vertex_equations import VertexEquations, projection_slopes

__all__ = [
    "MotionEquations", "PointEquations", "from_image", "from_points", "point_motions",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class MotionEquations:
    """A change d of weights, turn and shift, (K + 6,), minimises d^T matrix d - 2 rhs^T d."""

    matrix: Tensor
    """(K + 6, K + 6)"""
    rhs: Tensor
    """(K + 6,)"""

    def __add__(self, other: MotionEquations) -> MotionEquations:
        return MotionEquations(self.matrix + other.matrix, self.rhs + other.rhs)


def point_motions(rest: Tensor, deltas: Tensor, motion: Motion) -> tuple[Tensor, Tensor]:
    """(P, 3, K + 6) how points of the face move with each unknown, rig axes, and (P, 3) where
    they are in the world.

    rest (P, 3) and deltas (K, P, 3): the points in the neutral and in the shapes; motion (1, ...).
    The turn is a change of the rotation vector, radians, the shift of the translation, metres.
    """
    face = rest + torch.tensordot(motion.weights[0], deltas, dims=1)
    turn = rotation_from_vector(motion.rotation)[0]
    x, y, z = face.unbind(1)
    zero = torch.zeros_like(x)
    # A small turn r about the rig's axes moves a point by r x face.
    cross = torch.stack([zero, z, -y, -z, zero, x, y, -x, zero], 1).reshape(-1, 3, 3)
    rotate = cross @ (turn.T @ left_jacobian(motion.rotation[0]))
    shift = turn.T.expand(len(face), 3, 3)
    return torch.cat([deltas.permute(1, 2, 0), rotate, shift], 2), face @ turn.T + (
        motion.translation[0]
    )


def from_image(moves: Tensor, equations: VertexEquations) -> MotionEquations:
    """An image's equations about vertices, as equations about the motion: moves (V', 6, K + 6) of
    those vertices with its unknowns (`SurfaceMotion.moves`)."""
    hessian_moves = torch.einsum("vxy,vyu->vxu", equations.hessian, moves).flatten(0, 1)
    flat = moves.flatten(0, 1)
    return MotionEquations(flat.T @ hessian_moves, flat.T @ equations.rhs.flatten())


@dataclass(frozen=True, eq=False)
class PointEquations:
    """What the tracker's 478 points in one frame say about their places, rig axes."""

    change: Tensor
    """(478, 3, K + 6) how the places move with the motion's unknowns."""
    hessian: Tensor
    """(478, 3, 3)"""
    rhs: Tensor
    """(478, 3)"""

    def motion(self) -> MotionEquations:
        """As equations about the motion."""
        hessian_motions = torch.einsum("vxy,vyu->vxu", self.hessian, self.change).flatten(0, 1)
        flat = self.change.flatten(0, 1)
        return MotionEquations(flat.T @ hessian_motions, flat.T @ self.rhs.flatten())


def from_points(
    shapes: Shapes, motion: Motion, seen: Observations, frame: int, corners: Tensor, share: Tensor,
    offsets: Tensor, confidence: Tensor, sigma_px: Tensor,
    effective_point_count: float,
) -> PointEquations:  # fmt: skip
    """The tracker's points in one frame.

    corners, share (478, 3): where they are on the mesh; offsets (478, 3): how far from there the
    tracker puts them, rig axes, metres; confidence (478,); sigma_px: their spread;
    effective_point_count: as how many independent points they count all together, for they err
    alike.
    """
    rest = torch.einsum("pcx,pc->px", shapes.neutral[corners], share) + offsets
    deltas = torch.einsum("kpcx,pc->kpx", shapes.deltas[:, corners], share)
    change, place = point_motions(rest, deltas, motion)
    camera = seen.camera[frame]
    slopes = (
        projection_slopes(
            place, seen.views.camera_from_world[camera], seen.views.intrinsics[camera]
        )
        @ rotation_from_vector(motion.rotation)[0]
    )
    residual = seen.points[frame] - seen.views.pixels(camera[None], place[None])[0]
    weight = confidence / (1 + residual.norm(dim=1) / sigma_px) / sigma_px**2
    weight = weight * effective_point_count / confidence.sum().clamp_min(1)
    weighted_slopes = slopes * weight[:, None, None]
    return PointEquations(
        change,
        torch.einsum("pax,pay->pxy", weighted_slopes, slopes),
        torch.einsum("pax,pa->px", weighted_slopes, residual),
    )
