"""Localisation learnt by a net, as a stand-in for that in closed form.

Bolkart, Li and Black 2023, section 3.1: a spatial transformer finds the head in a volume around the
rig's middle. Here it is trained with known poses. Where the tracker or dense maps locate heads, it
is not needed; the tables of captures compare.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mien_training.capture.coarse.coarse_stage import CoarseConfig, FusedVolume
from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.learning.train_on_readings import Places, VertexStage
from mien_training.capture.localisation.head_crops import HEAD_CENTRE
from mien_training.head import Template

__all__ = ["LearntPose", "rotation_from_columns"]

_SPREAD_M = 0.01


class LearntPose(VertexStage):
    """The mean head's control vertices, turned and moved."""

    points: Tensor
    mean: Tensor

    def __init__(self, template: Template, features: int, config: CoarseConfig) -> None:
        """features: of the correspondence net."""
        super().__init__()
        chosen = control_vertices(template, config.controls)
        self.register_buffer("chosen", torch.from_numpy(chosen), persistent=False)
        self.register_buffer("points", config.grid.points(), persistent=False)
        mean = template.vertices[chosen] - np.array(HEAD_CENTRE, np.float32)
        self.register_buffer("mean", torch.from_numpy(mean), persistent=False)
        self.volume = FusedVolume(features, config)
        self.heat = nn.Conv3d(config.widths[0], 1, 1)
        told = nn.Linear(128, 9)
        nn.init.zeros_(told.weight)
        with torch.no_grad():
            told.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0, 0, 0, 0]))
        self.last = nn.Sequential(nn.Linear(2 * config.widths[0], 128), nn.SiLU(), told)

    def pose(
        self, reading: MomentReading, views: NDArray[np.integer] | None = None
    ) -> tuple[Tensor, Tensor]:
        """(3, 3) rotation, and (3,) where the head's middle is, metres."""
        volume = self.volume(reading, views, self.points)
        flat = volume[0].flatten(1)
        share = self.heat(volume)[0].flatten().softmax(0)
        told = self.last(torch.cat([flat @ share, flat.amax(1)]))
        return rotation_from_columns(told[:6]), share @ self.points + 0.05 * told[6:]

    def forward(self, reading: MomentReading, views: NDArray[np.integer] | None = None) -> Places:
        turn, middle = self.pose(reading, views)
        places = self.mean @ turn.T + middle
        return [(places, places.new_full((len(places),), _SPREAD_M))]


def rotation_from_columns(six: Tensor) -> Tensor:
    """(3, 3) whose first columns are about the first and last three of (6,) numbers (Zhou et al.
    2019, "On the Continuity of Rotation Representations in Neural Networks")."""
    first = F.normalize(six[:3], dim=0)
    second = F.normalize(six[3:] - (first @ six[3:]) * first, dim=0)
    return torch.stack([first, second, torch.linalg.cross(first, second)], 1)
