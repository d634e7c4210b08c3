"""Which landmarks a camera can really see: the tracker places hidden ones too, by guessing."""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rig.picture import vertex_normals
from mien_training.rig.views import Views
from mien_training.templates import LandmarkMap

__all__ = ["LandmarkPoints"]

_HIDDEN, _SURE = 0.1, 0.45
"""Cosine between surface normal and line of sight: below the first nothing counts."""


class LandmarkPoints:
    """The tracker's points on posed vertices."""

    def __init__(self, landmarks: LandmarkMap, faces: Tensor) -> None:
        """faces (F, 3): the template's triangles; points the template lacks never count."""
        device = faces.device
        self.present = torch.from_numpy(landmarks.triangle >= 0).to(device)
        triangle = torch.from_numpy(landmarks.triangle).to(device, torch.int64).clamp_min(0)
        self._faces = faces
        self.corners = faces[triangle]
        share = torch.from_numpy(landmarks.barycentric).to(device)
        self.share = share * self.present[:, None]

    def positions(self, vertices: Tensor) -> Tensor:
        """(B, 478, 3) of (B, V, 3)."""
        return (vertices[:, self.corners] * self.share[..., None]).sum(2)

    def confidence(self, vertices: Tensor, views: Views, camera: Tensor) -> Tensor:
        """(B, 478) 1 where the surface faces its camera (B,), falling to 0 where it turns away."""
        with torch.no_grad():
            normals = (
                vertex_normals(vertices, self._faces)[:, self.corners] * self.share[..., None]
            ).sum(2)
            sight = views.centres[camera][:, None] - self.positions(vertices)
            cosine = torch.nn.functional.cosine_similarity(normals, sight, dim=-1)
            ramp = ((cosine - _HIDDEN) / (_SURE - _HIDDEN)).clamp(0, 1)
            return ramp * ramp * (3 - 2 * ramp) * self.present
