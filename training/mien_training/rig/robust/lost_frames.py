"""Frames in which the rig is not where the tracker's points are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.rig.model.motion import rotation_from_vector

__all__ = ["FrameLimits", "lost_frames", "off_points"]


@dataclass(frozen=True)
class FrameLimits:
    """When a frame counts as lost."""

    points: float = 0.02
    """Mean distance of the visible points, in sizes of the face."""
    turn_rad: float = 0.2
    """Of the head, against the pose by points alone."""
    restarts: int = 2
    """After so many a frame follows its points alone, without pixels."""

    def __post_init__(self) -> None:
        if not (self.points > 0 and self.turn_rad > 0 and self.restarts >= 0):
            raise InputError(
                f"{self}: expected distances above 0 and a number of restarts of 0 or more"
            )


def off_points(points_px: Tensor, face_px: Tensor, limits: FrameLimits) -> Tensor:
    """(B,) bool of frames whose points are points_px (B,) apart, in faces of face_px (B,)."""
    return points_px > limits.points * face_px


def lost_frames(
    points_px: Tensor, face_px: Tensor, rotation: Tensor, by_points: Tensor, limits: FrameLimits
) -> Tensor:
    """(B,) bool of frames that are `off_points`, or whose head is turned otherwise.

    rotation, by_points (B, 3): rotation vectors of the head as found, and by points alone.
    """
    turns = rotation_from_vector(rotation), rotation_from_vector(by_points)
    trace = (turns[0] * turns[1]).sum((1, 2))
    turned = ((trace - 1) / 2).clamp(-1, 1).acos() > limits.turn_rad
    return torch.logical_or(off_points(points_px, face_px, limits), turned)
