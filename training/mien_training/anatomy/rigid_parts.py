"""Parts that are rigid in life: where they go when the soft face around them changes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from mien_training.head import Template

__all__ = ["RigidParts"]

_LID_REACH = 1.5
"""In radii of an eyeball: the skin that its place is read from."""
_MOUTH_REACH_M = 0.03


class RigidParts(nn.Module):
    """Eyeballs go with their lids, teeth and tongue with the skin around the mouth.

    They are moved as a whole, so that spheres stay spheres and arches stay arches.
    """

    part: Tensor
    guide: Tensor

    def __init__(self, template: Template) -> None:
        """The parts that this template has."""
        super().__init__()
        v, regions = template.vertices, template.regions
        parts, guides = [], []
        for joint in template.joints:
            if joint.name not in ("leftEye", "rightEye"):
                continue
            centre = np.asarray(joint.position, np.float32)
            ball = regions["eyes"] & (np.sign(v[:, 0]) == np.sign(centre[0]))
            if not ball.any():
                continue
            distance = np.linalg.norm(v - centre, axis=1)
            around = regions["skin"] & (distance < _LID_REACH * np.median(distance[ball]))
            parts.append(ball)
            guides.append(around & (v[:, 2] > centre[2]))
        inner = regions["teeth"] | regions["tongue"]
        if inner.any():
            middle = v[regions["lips"]].mean(0)
            near = np.linalg.norm(v - middle, axis=1) < _MOUTH_REACH_M
            parts.append(inner)
            guides.append(regions["skin"] & near)
        found = np.array(guides, np.float32).reshape(len(guides), len(v))
        self.register_buffer("part", torch.from_numpy(np.array(parts).reshape(found.shape)))
        share = found / np.maximum(found.sum(1, keepdims=True), 1)
        self.register_buffer("guide", torch.from_numpy(share))

    def forward(self, displacement: Tensor) -> Tensor:
        """(V, 3) displacement of a neutral, with the rigid parts carried along."""
        carried = displacement
        for part, guide in zip(self.part, self.guide, strict=True):
            carried = torch.where(part[:, None], guide @ displacement, carried)
        return carried
