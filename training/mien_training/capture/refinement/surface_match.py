"""How far points are from a mesh that moves: nearest places, held while gradients are taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.rendering.differentiable_head import vertex_normals

__all__ = ["SurfaceMatch", "geman_mcclure", "match_surface"]


@dataclass(frozen=True, eq=False)
class SurfaceMatch:
    """Where on a mesh each of N points belongs."""

    corners: Tensor
    """(N, 3) vertices of the nearest triangle."""
    shares: Tensor
    """(N, 3) of the nearest place on it."""
    valid: Tensor
    """(N,) bool: near enough, on a triangle that may be matched, and facing the same way."""

    def places(self, mesh: Tensor) -> Tensor:
        """(N, 3) on a mesh (V, 3). At the nearest place, distances change with the corners as if
        the shares were fixed, so that gradients of distances are exact."""
        return (mesh[self.corners] * self.shares[..., None].to(mesh)).sum(1)

    def normals(self, mesh: Tensor, triangles: Tensor) -> Tensor:
        """(N, 3) unit, interpolated between the vertices'."""
        every = F.normalize(vertex_normals(mesh[None], triangles)[0], dim=1)
        return F.normalize((every[self.corners] * self.shares[..., None].to(mesh)).sum(1), dim=1)


def match_surface(
    mesh: Tensor,
    triangles: Tensor,
    matched: NDArray[np.bool_],
    points: Tensor,
    normals: Tensor,
    reach_m: float,
    agree: float,
) -> SurfaceMatch:
    """Of points (N, 3) to a mesh (V, 3), triangles (F, 3), of which `matched` (F,) may be.

    normals (N, 3) of the points: unit, or zeros where they are not known, which agree with all.
    What is nearest to a triangle that may not be matched, an eyeball's beside a lid, is left out.
    reach_m: of distances; agree: least scalar product of normals.
    """
    with torch.no_grad():
        at, faces = mesh.detach().cpu().numpy(), triangles.cpu().numpy()
        nearest = nearest_on_surface(at, faces, points.cpu().numpy())
        chosen = torch.from_numpy(nearest.triangle).to(mesh.device)
        shares = torch.from_numpy(nearest.barycentric).to(mesh)
        near = torch.from_numpy((nearest.distance < reach_m) & matched[nearest.triangle])
        found = SurfaceMatch(triangles[chosen], shares, near.to(mesh.device))
        facing = (found.normals(mesh, triangles) * normals).sum(1)
        fits = (facing > agree) | (normals.square().sum(1) < 0.5)
        return SurfaceMatch(found.corners, found.shares, found.valid & fits)


def geman_mcclure(squared: Tensor, scale: float, smooth: float = 0.0) -> Tensor:
    """Distances of squares (N,) that end at `scale`: sqrt(s^2 d^2 / (s^2 + d^2)).

    Geman and McClure 1987 as Bolkart, Li and Black 2023 use it ("Instant Multi-View Head Capture
    through Learnable Registration", section 3.3, s = 10 mm). smooth: rounds off the tip at zero,
    in the same unit as scale.
    """
    robust = scale**2 * squared / (scale**2 + squared)
    return (robust + smooth**2).sqrt() - smooth
