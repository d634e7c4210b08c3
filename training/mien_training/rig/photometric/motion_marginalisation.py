"""What of a change of shapes the performance could do as well.

Weights and poses are known from the same images only. A change of shapes that some other
performance would show alike is not seen at all; shapes solved with the performance left free know
this (the Schur complement of bundle adjustment: Triggs et al. 2000, section 6).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.photometric.sym3 import sym3_matvec

__all__ = ["MotionMarginalisation", "rigid_and_blended"]


@dataclass(frozen=True, eq=False)
class MotionMarginalisation:
    """The performance of T frames, of which those of one group share one."""

    directions: Tensor
    """(3 V', U) how V' vertices move with each unknown of the performance, rig axes."""
    group: Tensor
    """(T,) int64"""
    stiffness: Tensor
    """(G, U, U) the force upon each group's unknowns under a unit change of them."""
    compliance: Tensor
    """(G, U, U) its inverse."""

    @classmethod
    def of(
        cls, directions: Tensor, group: Tensor, hessian: Tensor, held: Tensor
    ) -> MotionMarginalisation:
        """directions (3 V', U) and group (T,) as above; hessian (T, V', 6) of the frames, as by
        `sym3_pack`; held (G, U, U): hessian of what else holds the performance."""
        unknowns = directions.shape[1]
        moves = directions.reshape(-1, 3, unknowns).transpose(1, 2)
        total = hessian.new_zeros(len(held), *hessian.shape[1:])
        total.index_add_(0, group, hessian)
        seen = torch.stack([
            directions.T @ sym3_matvec(one[:, None], moves).transpose(1, 2).reshape(-1, unknowns)
            for one in total
        ])  # fmt: skip
        stiffness = seen + held
        compliance = torch.linalg.inv(stiffness.double()).to(hessian.dtype)
        return cls(directions, group, stiffness, compliance)

    def response(self, force: Tensor) -> Tensor:
        """(T, V', 3) where the surface goes under (T, V', 3) forces, by the performance alone."""
        change = torch.einsum("gij,gj->gi", self.compliance, self._upon_unknowns(force))
        return (change @ self.directions.T).reshape(len(change), -1, 3)[self.group]

    def poses(self, force: Tensor) -> Tensor:
        """(G, 6) where the head goes, by turns and shifts (the last unknowns) alone."""
        own = self.stiffness[:, -6:, -6:].double()
        upon = self._upon_unknowns(force)[:, -6:, None].double()
        moved: Tensor = torch.linalg.solve(own, upon)[..., 0].to(force.dtype)
        return moved

    def _upon_unknowns(self, force: Tensor) -> Tensor:
        """(G, U)"""
        total = force.new_zeros(len(self.compliance), len(self.directions))
        total.index_add_(0, self.group, force.flatten(1))
        return total @ self.directions


def rigid_and_blended(rest: Tensor, deltas: Tensor) -> Tensor:
    """(3 P, K + 6) how points move with weights, a turn and a shift, all in rig axes.

    rest (P, 3) and deltas (K, P, 3): the points in the neutral and in the shapes.
    """
    x, y, z = rest.unbind(1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, z, -y, -z, zero, x, y, -x, zero], 1).reshape(-1, 3, 3)
    one = torch.eye(3, dtype=rest.dtype, device=rest.device).expand(len(rest), 3, 3)
    return torch.cat([deltas.permute(1, 2, 0), cross, one], 2).flatten(0, 1)
