"""Gaussians that show nothing move to where one is too few.

3D Gaussian splatting (Kerbl et al. 2023, section 5) adds and removes Gaussians; here their number
stays, as in Kheradmand et al. 2024: each one that has faded becomes a half of one whose place the
pictures pull at most. Anchors and layers of hair move along, so that it hangs where its half does.
"""

from __future__ import annotations

from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.avatar.splats.splat_head import SplatHead, quaternion_turned

__all__ = ["relocate"]

_FADED = 0.03
"""Opacity below which a Gaussian shows nothing."""
_APART = 0.6
"""Halves go so many widths from the middle,"""
_NARROWER = 0.75
"""and are so wide, along the longest axis: together they cover what one did."""

_SOLID = 0.999


@torch.no_grad()
def relocate(head: SplatHead, optimiser: torch.optim.Adam, most: int) -> int:
    """How many have moved, at most `most`; parameters and the optimiser's state change in place.

    Which ones the pictures pull at is the running mean square of the gradients of places, which
    the optimiser keeps; Gaussians that no frame has shown are neither moved nor halved.
    """
    state = optimiser.state[head.place]
    if not state:
        return 0
    pull = state["exp_avg_sq"].sum(1)
    faded = (torch.sigmoid(head.opacity) < _FADED) & (pull > 0)
    count = min(int(faded.sum()), most, int((~faded & (pull > 0)).sum()))
    if not count:
        return 0
    gone = torch.topk(torch.where(faded, head.opacity, torch.inf), count, largest=False).indices
    halved = torch.topk(torch.where(faded, -1.0, pull), count).indices
    axis = head.size_log[halved].argmax(1)
    step = F.one_hot(axis, 3) * (_APART * head.size_log[halved].exp())
    turn = F.normalize(F.pad(head.turn[halved], (0, 1), value=1.0), dim=-1)
    step = quaternion_turned(turn, step)
    head.anchor[gone], head.lift_m[gone] = head.anchor[halved], head.lift_m[halved]
    narrower = F.one_hot(axis, 3) * log(_NARROWER)
    # One behind the other they cover as much as one did.
    fainter = (1 - torch.sqrt(1 - torch.sigmoid(head.opacity[halved]))).clamp_max(_SOLID)
    for parameter in (head.place, head.turn, head.size_log, head.opacity, head.colour):
        change: Tensor | float = 0.0
        if parameter is head.size_log:
            parameter[halved] += narrower
        if parameter is head.opacity:
            parameter[halved] = torch.logit(fainter)
        if parameter is head.place:
            change = step
        kept = parameter[halved].clone()
        parameter[gone] = kept + change
        parameter[halved] = kept - change
        for name in ("exp_avg", "exp_avg_sq"):
            moments = optimiser.state[parameter][name]
            moments[gone] = moments[halved]
    return count
