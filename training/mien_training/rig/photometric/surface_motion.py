"""How a face's surface moves and turns with the unknowns of its performance."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rig.model.motion import left_jacobian, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes

__all__ = ["PosedSurface", "SurfaceMotion"]


@dataclass(frozen=True, eq=False)
class PosedSurface:
    """V' vertices of a face in one frame, in rig axes."""

    vertex: Tensor
    """(V',) int64"""
    place: Tensor
    """(V', 3) metres."""
    normal: Tensor
    """(V', 3) unit."""
    turn: Tensor
    """(3, 3) turn about the rig's axes per change of the rotation vector."""
    shift: Tensor
    """(3, 3) rig_from_world rotation."""

    @classmethod
    def of(
        cls, vertex: Tensor, vertices: Tensor, normals: Tensor, rotation: Tensor,
        translation: Tensor,
    ) -> PosedSurface:  # fmt: skip
        """Of vertices and normals (V, 3) in the world; rotation vector and translation (3,)."""
        world_from_rig = rotation_from_vector(rotation)
        place = (vertices[vertex] - translation) @ world_from_rig
        normal = torch.nn.functional.normalize(normals[vertex], dim=-1) @ world_from_rig
        rig_from_world = world_from_rig.T
        return cls(vertex, place, normal, rig_from_world @ left_jacobian(rotation), rig_from_world)


@dataclass(frozen=True, eq=False)
class SurfaceMotion:
    """Moves, as in `VertexEquations`, with the weights; normals turn as they do in the neutral."""

    basis: Tensor
    """(V, 6, K)"""

    @classmethod
    def of(cls, shapes: Shapes, faces: Tensor) -> SurfaceMotion:
        """faces (F, 3). Normals by the derivative of a triangle's cross product."""
        neutral = shapes.neutral
        normals = vertex_normals(neutral[None], faces)[0]
        size = normals.norm(dim=1, keepdim=True).clamp_min(1e-12)
        unit = normals / size
        a, b, c = neutral[faces].unbind(1)
        basis = neutral.new_empty(len(neutral), 6, len(shapes.deltas))
        for k, delta in enumerate(shapes.deltas):
            da, db, dc = delta[faces].unbind(1)
            change = torch.linalg.cross(db - da, c - a) + torch.linalg.cross(b - a, dc - da)
            tilt = torch.zeros_like(delta)
            for corner in range(3):
                tilt.index_add_(0, faces[:, corner], change)
            tilt /= size
            basis[:, :3, k] = delta
            basis[:, 3:, k] = tilt - (tilt * unit).sum(1, keepdim=True) * unit
        return cls(basis)

    def moves(self, posed: PosedSurface) -> Tensor:
        """(V', 6, K + 6) with the unknowns of a frame's motion, as in `point_motions`."""
        count = self.basis.shape[2]
        found = self.basis.new_zeros(len(posed.vertex), 6, count + 6)
        found[..., :count] = self.basis[posed.vertex]
        # A small turn r about the rig's axes moves a point by r x point, and so a normal.
        for axis in range(3):
            turn = posed.turn[:, axis].expand_as(posed.place)
            found[:, :3, count + axis] = torch.linalg.cross(turn, posed.place)
            found[:, 3:, count + axis] = torch.linalg.cross(turn, posed.normal)
        found[:, :3, count + 3 :] = posed.shift
        return found

    def moved(self, posed: PosedSurface, change: Tensor) -> Tensor:
        """(V', 6) by a change (K + 6,) of the unknowns."""
        count = self.basis.shape[2]
        turn = (posed.turn @ change[count : count + 3]).expand_as(posed.place)
        place = torch.linalg.cross(turn, posed.place) + posed.shift @ change[count + 3 :]
        rigid = torch.cat([place, torch.linalg.cross(turn, posed.normal)], 1)
        blended: Tensor = self.basis[posed.vertex] @ change[:count]
        return blended + rigid
