"""Which landmarks a camera can really see: the tracker places hidden ones too, by guessing."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import Template

__all__ = ["LandmarkPoints"]

_HIDDEN, _SURE = 0.1, 0.45
"""Cosine between surface normal and line of sight: below the first nothing counts."""
_AROUND = 16
"""Points whose plane tells where a point faces."""
_BEHIND_M = 0.1
"""How far behind the face's middle the head's middle is, about."""


class LandmarkPoints:
    """The tracker's points on posed vertices."""

    def __init__(self, template: Template, device: torch.device | None = None) -> None:
        """Points that the template lacks never count."""
        landmarks, faces = template.landmarks, torch.from_numpy(template.triangles).long()
        self.normals = torch.from_numpy(
            _broad_normals(landmarks.positions(template.vertices, template.triangles))
        ).to(device)
        """(478, 3) where the face around each point looks, in the neutral, rig axes. The triangle
        under a point of a lid's rim or between the lips looks anywhere."""
        self.present = torch.from_numpy(landmarks.triangle >= 0).to(device)
        triangle = torch.from_numpy(landmarks.triangle).to(device, torch.int64).clamp_min(0)
        self.corners = faces.to(device)[triangle]
        share = torch.from_numpy(landmarks.barycentric).to(device)
        self.share = share * self.present[:, None]

    def positions(self, vertices: Tensor) -> Tensor:
        """(B, 478, 3) of (B, V, 3)."""
        return (vertices[:, self.corners] * self.share[..., None]).sum(2)

    def confidence(
        self, vertices: Tensor, world_from_rig: Tensor, views: CameraBatch, camera: Tensor
    ) -> Tensor:
        """(B, 478) 1 where the face looks at its camera (B,), falling to 0 where it turns away.

        vertices (B, V, 3) in the world; world_from_rig (B, 3, 3): the head's rotation.
        """
        return self.visibility(self.positions(vertices), world_from_rig, views, camera)

    def visibility(
        self, points: Tensor, world_from_rig: Tensor, views: CameraBatch, camera: Tensor
    ) -> Tensor:
        """`confidence` of posed points (B, 478, 3)."""
        with torch.no_grad():
            normals = self.normals @ world_from_rig.transpose(1, 2)
            sight = views.centres[camera][:, None] - points
            cosine = torch.nn.functional.cosine_similarity(normals, sight, dim=-1)
            ramp = ((cosine - _HIDDEN) / (_SURE - _HIDDEN)).clamp(0, 1)
            return ramp * ramp * (3 - 2 * ramp) * self.present


def _broad_normals(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(P, 3) outward normals of the planes through each of (P, 3) points' neighbours; 0 for NaN."""
    there = np.flatnonzero(np.isfinite(points).all(1))
    known = points[there].astype(np.float64)
    _, near = cKDTree(known).query(known, min(_AROUND, len(known)))
    spread = known[near] - known[near].mean(1, keepdims=True)
    normal = np.linalg.svd(spread, full_matrices=False)[2][:, 2]
    outward = known - (known.mean(0) - np.array([0, 0, _BEHIND_M]))
    normal *= np.where((normal * outward).sum(1) < 0, -1.0, 1.0)[:, None]
    normals = np.zeros(points.shape, np.float32)
    normals[there] = normal
    return normals
