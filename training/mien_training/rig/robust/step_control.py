"""A Gauss-Newton step of the performance is taken as far as it throws no frame out of its basin.

The step solves all frames at once and believes that images are linear. Where a frame shows that
they are not, the knots that it depends on go half the way, then a quarter, then stay (backtracking:
Nocedal and Wright 2006, "Numerical Optimization", algorithm 3.1, per window of the spline).
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import FrameErrors, frame_errors

__all__ = ["accept_step"]

_SHORTER = (0.5, 0.25, 0.0)
_WORSE = 0.5
"""Share by which a frame's cost may rise. A frame that leaves its basin costs many times more;
smaller rises are the price of its neighbours' gain, and to refuse them holds back the whole fit."""


def accept_step(
    objective: Objective, shapes: Shapes, frames: Tensor, before: Tensor, cost: Tensor
) -> FrameErrors:
    """Of frames (N,), after as much of the step as all of them bear.

    before (knots, K + 6): the spline's controls at which the frames' `cost` (N,) was. The spline
    has taken the whole step.
    """
    spline = objective.model.motion
    change = spline.controls() - before
    errors = frame_errors(objective, shapes, frames)
    knots = objective.knots_of(frames)
    share = torch.ones(len(before), device=before.device)
    for shorter in _SHORTER:
        worse = errors.cost > (1 + _WORSE) * cost
        if not bool(worse.any()):
            break
        concerned = torch.zeros_like(share, dtype=torch.bool)
        concerned[knots[worse].flatten()] = True
        share[concerned] = share[concerned].clamp_max(shorter)
        spline.take(before + share[:, None] * change)
        again = concerned[knots].any(1).nonzero()[:, 0]
        errors = errors.replaced(again, frame_errors(objective, shapes, frames[again]))
    return errors
