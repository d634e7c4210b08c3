"""Personal shapes from all frames at once: linear least squares, by conjugate gradients.

About the weights that were found, how the surface moves beyond what the rig explains is linear in
the rig's unknowns; the prior is theirs (`PersonalRig.changes`), so that shapes which the film does
not show keep the template's motion, and those it shows half go half the way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.photometric.motion_marginalisation import MotionFreedom
from mien_training.rig.photometric.sym3 import packed, pressed

__all__ = ["ShapeEquations", "solve_shapes"]


@dataclass(frozen=True, eq=False)
class ShapeEquations:
    """What T frames say of V' vertices, beyond the rig as it is."""

    vertex: Tensor
    """(V',) int64 the vertices that some shape moves."""
    weights: Tensor
    """(T, K) of the frames; a neutral is a shape of weight 1."""
    stiffness: Tensor
    """(T, V', 6) symmetric, as by `packed`."""
    pull: Tensor
    """(T, V', 3)"""

    @classmethod
    def empty(cls, vertex: Tensor, frames: int, shapes: int) -> ShapeEquations:
        """Room for `frames`, which `put` fills."""
        count, device = len(vertex), vertex.device
        sizes = (frames, shapes), (frames, count, 6), (frames, count, 3)
        return cls(vertex, *(torch.zeros(size, device=device) for size in sizes))

    def put(self, row: int, place: Tensor, stiffness: Tensor, pull: Tensor) -> None:
        """One frame: rows of `vertex` (P,), their (P, 3, 3) and (P, 3)."""
        self.stiffness[row, place], self.pull[row, place] = packed(stiffness), pull

    def resist(self, change: Tensor, freedom: MotionFreedom | None = None) -> Tensor:
        """(K, V', 3) the force of the frames against (K, V', 3) changes of the shapes.

        With `freedom` the performance gives way as far as it can.
        """
        force = pressed(self.stiffness, torch.einsum("tk,kvx->tvx", self.weights, change))
        if freedom is not None:
            force = force - pressed(self.stiffness, freedom.yields(force))
        return torch.einsum("tk,tvx->kvx", self.weights, force)

    def trusted(self, share: float) -> ShapeEquations:
        """The same, worth only `share` of it."""
        return ShapeEquations(self.vertex, self.weights, share * self.stiffness, share * self.pull)

    def drive(self) -> Tensor:
        """(K, V', 3) where the frames pull the shapes."""
        return torch.einsum("tk,tvx->kvx", self.weights, self.pull)


def solve_shapes(
    equations: ShapeEquations, changes: Callable[[Tensor], Tensor], now: Tensor,
    freedom: MotionFreedom | None = None, steps: int = 12, tolerance: float = 3e-3,
) -> Tensor:  # fmt: skip
    """The unknowns u that minimise the equations' error plus |u|^2, started at `now`.

    changes: linear, u -> (K, V, 3) changes of the shapes, metres; `now`: those by which the
    equations were made; freedom: of the performance, at rest now. Ends after `steps`, or when the
    residual is `tolerance` of the start.
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
        return adjoint(equations.resist(changes(u)[:, vertex], freedom)) + u

    with torch.no_grad():
        pull = adjoint(equations.drive())
        # About the step: what is there already has been paid for in the equations, not in |u|^2.
        found, residual = now.clone(), pull - now
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
