"""What of a change of the performance the texture could do as well.

A texture is learnt from the same images, under the performance as it was then; where that was
wrong the texture has gone along, and holds it there. Motion solved with the surface's colours left
free knows this: what all frames say of a vertex's colour is solved along with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.photometric.surface_motion import PosedSurface, SurfaceMotion
from mien_training.rig.photometric.vertex_equations import VertexEquations

__all__ = ["SharedTexture"]


@dataclass(frozen=True, eq=False)
class SharedTexture:
    """F frames that together see V' vertices."""

    vertex: Tensor
    """(V',) int64"""
    basis: Tensor
    """(V', 6, K) of `SurfaceMotion`."""
    place: Tensor
    """(F, V', 3) of `PosedSurface`; this and what follows are 0 where a frame sees nothing."""
    normal: Tensor
    """(F, V', 3)"""
    turn: Tensor
    """(F, 3, 3)"""
    shift: Tensor
    """(F, 3, 3)"""
    cross: Tensor
    """(F, V', 6, 3) of `VertexColour`."""
    residual: Tensor
    """(V', 3) of all frames."""
    colour_hessian: Tensor
    """(V', 1) of the colours."""

    @classmethod
    def of(
        cls, surface: SurfaceMotion, posed: Sequence[PosedSurface],
        equations: Sequence[VertexEquations], held: float,
    ) -> SharedTexture:  # fmt: skip
        """Of frames' posed surfaces and the equations of the same vertices; held: how surely a
        colour is what it was, in weights of all frames."""
        vertex = torch.unique(torch.cat([e.vertex for e in equations]))
        row = torch.full((len(surface.basis),), -1, device=vertex.device)
        row[vertex] = torch.arange(len(vertex), device=vertex.device)
        zeros, frames, count = surface.basis.new_zeros, len(posed), len(vertex)
        place, normal = zeros(frames, count, 3), zeros(frames, count, 3)
        cross, residual, mass = zeros(frames, count, 6, 3), zeros(count, 3), zeros(count)
        for f, (p, e) in enumerate(zip(posed, equations, strict=True)):
            at = row[e.vertex]
            place[f, at], normal[f, at], cross[f, at] = p.place, p.normal, e.colour.cross
            residual[at] += e.colour.residual
            mass[at] += e.colour.mass
        turn, shift = torch.stack([p.turn for p in posed]), torch.stack([p.shift for p in posed])
        basis = surface.basis[vertex]
        colour_hessian = (1 + held) * mass[:, None]
        return cls(vertex, basis, place, normal, turn, shift, cross, residual, colour_hessian)

    def best_colours(self, change: Tensor) -> Tensor:
        """(V', 3) changes of the colours that explain most of what (F, K + 6) changes of the motion
        leave."""
        return (self.residual - self._explained(change)) / self.colour_hessian

    def motion_rhs(self, colours: Tensor) -> Tensor:
        """(F, K + 6) what changes (V', 3) of the colours take from the motion's right-hand side."""
        force = torch.einsum("fvxc,vc->fvx", self.cross, colours)
        push, tilt = force[..., :3], force[..., 3:]
        turn = torch.linalg.cross(self.place, push) + torch.linalg.cross(self.normal, tilt)
        return torch.cat([
            force.flatten(1) @ self.basis.flatten(0, 1),
            torch.einsum("fxr,fx->fr", self.turn, turn.sum(1)),
            torch.einsum("fxs,fx->fs", self.shift, push.sum(1)),
        ], 1)  # fmt: skip

    def _explained(self, change: Tensor) -> Tensor:
        """(V', 3) the colours' part of what changes (F, K + 6) of the motion explain."""
        count = self.basis.shape[2]
        turn = torch.einsum("fxr,fr->fx", self.turn, change[:, count : count + 3])
        shift = torch.einsum("fxs,fs->fx", self.shift, change[:, count + 3 :])
        turn = turn[:, None].expand_as(self.place)
        moved = (change[:, :count] @ self.basis.flatten(0, 1).T).reshape(*self.cross.shape[:3])
        moved[..., :3] += torch.linalg.cross(turn, self.place) + shift[:, None]
        moved[..., 3:] += torch.linalg.cross(turn, self.normal)
        return torch.einsum("fvxc,fvx->vc", self.cross, moved)
