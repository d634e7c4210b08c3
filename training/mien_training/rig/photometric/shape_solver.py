"""Personal shapes from all frames at once: linear least squares, by conjugate gradients.

About the weights that were found, how the surface moves beyond what the rig explains is linear in
the rig's unknowns; the prior is theirs (`PersonalRig.changes`), so that shapes which the recording
does not show keep the template's motion, and those it shows half go half the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.photometric.motion_marginalisation import MotionMarginalisation
from mien_training.rig.photometric.sym3 import sym3_matvec, sym3_pack

__all__ = ["ShapeEquations", "solve_shapes"]


@dataclass(frozen=True, eq=False)
class ShapeEquations:
    """What T frames say of V' vertices, beyond the rig as it is."""

    vertex: Tensor
    """(V',) int64 the vertices that some shape moves."""
    weights: Tensor
    """(T, K) of the frames; a neutral is a shape of weight 1."""
    hessian: Tensor
    """(T, V', 6) symmetric, as by `sym3_pack`."""
    rhs: Tensor
    """(T, V', 3)"""

    @classmethod
    def empty(cls, vertex: Tensor, weights: Tensor) -> ShapeEquations:
        """Room for the frames of `weights`, which `put` fills."""
        sizes = ((len(weights), len(vertex), numbers) for numbers in (6, 3))
        return cls(vertex, weights, *(weights.new_zeros(size) for size in sizes))

    def put(self, row: int, place: Tensor, hessian: Tensor, rhs: Tensor) -> None:
        """One frame: rows of `vertex` (P,), their (P, 3, 3) and (P, 3)."""
        self.hessian[row, place], self.rhs[row, place] = sym3_pack(hessian), rhs

    def force(self, change: Tensor) -> Tensor:
        """(T, V', 3) of each frame against (K, V', 3) changes of the shapes."""
        return sym3_matvec(self.hessian, torch.einsum("tk,kvx->tvx", self.weights, change))

    def resist(
        self, change: Tensor, marginalisation: MotionMarginalisation | None = None
    ) -> Tensor:
        """(K, V', 3) the force of the frames against (K, V', 3) changes of the shapes.

        With `marginalisation` the performance gives way as far as it can.
        """
        force = self.force(change)
        if marginalisation is not None:
            force = force - sym3_matvec(self.hessian, marginalisation.response(force))
        return torch.einsum("tk,tvx->kvx", self.weights, force)

    def weighted(self, share: Tensor) -> ShapeEquations:
        """The same, worth only `share` (V',) of it at each vertex."""
        worth = share[:, None]
        return ShapeEquations(self.vertex, self.weights, worth * self.hessian, worth * self.rhs)

    def drive(self) -> Tensor:
        """(K, V', 3) the right-hand side: where the frames push the shapes."""
        return torch.einsum("tk,tvx->kvx", self.weights, self.rhs)


def solve_shapes(
    equations: ShapeEquations, changes: Callable[[Tensor], Tensor], now: Tensor,
    marginalisation: MotionMarginalisation | None = None, steps: int = 12, tolerance: float = 3e-3,
) -> Tensor:  # fmt: skip
    """The unknowns u that minimise the equations' error plus |u|^2, started at `now`.

    changes: linear, u -> (K, V, 3) changes of the shapes, metres; `now`: those by which the
    equations were made; marginalisation: of the performance, which is at rest now. Ends after
    `steps`, or when the residual is `tolerance` of the start.
    """
    leaf = torch.zeros_like(now).requires_grad_()
    with torch.enable_grad():
        image = changes(leaf)
    vertex = equations.vertex

    def adjoint(force: Tensor) -> Tensor:
        whole = torch.zeros_like(image).index_copy_(1, vertex, force)
        (back,) = torch.autograd.grad(image, leaf, whole, retain_graph=True)
        return back

    def normal(u: Tensor) -> Tensor:
        return adjoint(equations.resist(changes(u)[:, vertex], marginalisation)) + u

    with torch.no_grad():
        rhs = adjoint(equations.drive())
        # About the step: what is there already has been paid for in the equations, not in |u|^2.
        found, residual = now.clone(), rhs - now
        direction, size = residual.clone(), residual.square().sum()
        end = tolerance**2 * size
        for _ in range(steps):
            if size <= end:
                break
            pushed = normal(direction)
            rate = size / (direction * pushed).sum()
            found = found + rate * direction
            residual = residual - rate * pushed
            new = residual.square().sum()
            direction, size = residual + new / size * direction, new
    return found
