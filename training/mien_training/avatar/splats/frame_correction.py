"""One small rigid motion for every frame of the film: what tracking got wrong.

MonoAvatar (Bai et al. 2023, section 3.4) warps rays by a network; the head's rigid part of it is
what tracking errs by most, and a motion of all Gaussians is exact. Only training knows it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.avatar.splats.splat_head import Cloud, quaternion_product, quaternion_turned

__all__ = ["FrameCorrection"]

_TURN, _MOVE_M = 0.01, 0.001
"""Radians and metres of parameters of 1: about what a fit errs by."""


class FrameCorrection(nn.Module):
    """Turns and moves of T frames, about the rig's head."""

    centre: Tensor

    def __init__(self, frames: int, centre: Tensor) -> None:
        """centre (3,): of the turns, rig space, metres."""
        super().__init__()
        self.register_buffer("centre", centre.float())
        self.motion = nn.Parameter(torch.zeros(frames, 6))

    def forward(self, cloud: Cloud, frames: Tensor) -> Cloud:
        """The Gaussians of frames (B,) as the film shows them."""
        turn, move = self.motion[frames, :3], self.motion[frames, 3:]
        quaternion = F.normalize(F.pad(0.5 * _TURN * turn, (0, 1), value=1.0), dim=-1)[:, None]
        v = cloud.means - self.centre
        turned = quaternion_turned(quaternion.expand(*v.shape[:-1], 4), v)
        return Cloud(
            turned + self.centre + _MOVE_M * move[:, None],
            quaternion_product(quaternion, cloud.rotations),
            cloud.scales,
            cloud.opacities,
            cloud.colours,
        )

    def size(self, frames: Tensor) -> Tensor:
        """Mean square of the parameters of frames (B,): what the loss holds down."""
        return self.motion[frames].square().mean()
