"""All unknowns of a person: rig, motion, time offsets, landmark bias, appearance."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien_training.anatomy.soft_tissue import soft_tissue_graph
from mien_training.head import MATERIALS, Template
from mien_training.rendering.appearance import Appearance
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.motion import MotionSpline, TimeOffsets
from mien_training.rig.model.personal_rig import PersonalRig
from mien_training.rig.model.rest_pose import rests

__all__ = ["RigModel"]

_MOVING_M = 5e-4
_INSIDE = {"mouth": (0.05, 0.02, 0.02), "teeth": (0.20, 0.18, 0.16), "tongue": (0.14, 0.06, 0.06)}
"""Albedo of what is never compared, times the share of the light that reaches into a mouth."""


class RigModel(nn.Module):
    """A still template in grey, until something is learnt."""

    rests: Tensor

    def __init__(
        self, template: Template, seconds: tuple[float, float], cameras: int, config: RigFitConfig
    ) -> None:
        """`seconds`: first and last moment.

        landmark_bias (478, 3), metres, rig space: how far from the template's places the tracker
        puts its points on this person. It misplaces them by a millimetre or two, always the same
        way, and would pull the face there.
        """
        super().__init__()
        neutral, shapes = (
            soft_tissue_graph(template, config.smoothing, config.smoothing_lambda, moving_m=moving)
            for moving in (None, _MOVING_M)
        )
        self.rig = PersonalRig(template, neutral, shapes, config.shape_prior)
        self.span_s = seconds
        self.motion = MotionSpline.uniform(
            *seconds, len(template.shape_names), config.knots.slow_hz
        )
        self.register_buffer("rests", rests(template.shape_names))
        self.time_offsets = TimeOffsets(cameras, config.learn_time_offsets)
        self.landmark_bias = nn.Parameter(torch.zeros(478, 3), requires_grad=False)
        self.appearance = Appearance(len(MATERIALS), config.texture_side, cameras)
        with torch.no_grad():
            for material, albedo in _INSIDE.items():
                texture = self.appearance.textures[MATERIALS.index(material)]
                texture.copy_(torch.tensor(albedo)[None, :, None, None].expand_as(texture))
                # Never compared, but blended into the pixels at the rims of lips.
                texture.requires_grad_(False)
