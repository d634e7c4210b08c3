"""Adam that keeps the direction of the step: one scale for a whole tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.optimizer import ParamsT

from mien.errors import InputError

__all__ = ["AdamUniform"]


class AdamUniform(torch.optim.Optimizer):
    """Adam whose step is divided by max(sqrt(v_hat)) of the tensor, not entry by entry.

    Plain Adam scales every coordinate by its own history and so tears apart what one solve made
    smooth; here all coordinates of a parameter move by one common factor (Nicolet, Jacobson and
    Jakob 2021, "Large Steps in Inverse Rendering of Geometry", section 4, "uniform Adam").

    lr: length of the longest step, in the parameter's own unit, before momentum.
    betas: decay of the running means of the gradient and of its square.
    eps: added to the divisor; only keeps a zero gradient from dividing by zero.

    The scale is per parameter: what is to be scaled apart (an identity, a stack of shapes, a pose)
    must be tensors apart. Raises InputError for values out of range or sparse gradients.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-2,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-12,
    ) -> None:
        if not lr >= 0.0:
            raise InputError(f"AdamUniform: lr {lr}, expected a number >= 0")
        if not all(0.0 <= beta < 1.0 for beta in betas):
            raise InputError(f"AdamUniform: betas {betas}, expected both in 0..1, 1 left out")
        if not eps > 0.0:
            raise InputError(f"AdamUniform: eps {eps}, expected a number > 0")
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step for all parameters that have a gradient; returns what `closure` returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first_decay, second_decay = group["betas"]
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is None or not gradient.numel():
                    continue
                if gradient.is_sparse:
                    raise InputError("AdamUniform: a gradient is sparse, expected dense ones")
                state = self.state[parameter]
                if not state:
                    state["step"] = 0
                    state["mean"] = torch.zeros_like(parameter)
                    state["mean_square"] = torch.zeros_like(parameter)
                state["step"] += 1
                mean, mean_square = state["mean"], state["mean_square"]
                mean.lerp_(gradient, 1 - first_decay)
                mean_square.mul_(second_decay).addcmul_(gradient, gradient, value=1 - second_decay)
                unbiased = mean / (1 - first_decay ** state["step"])
                # The only change against Adam: the largest entry's scale serves all of them.
                peak = (mean_square.max() / (1 - second_decay ** state["step"])).sqrt()
                parameter.sub_(group["lr"] * unbiased / (peak + group["eps"]))
        return loss
