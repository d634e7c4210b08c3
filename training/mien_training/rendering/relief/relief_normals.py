"""Normals of skin whose relief is a height map on the face atlas, and what its furrows hide.

A surface x(u, v) + D n has to first order the normal n - grad D (Blinn 1978, "Simulation of
wrinkled surfaces"), where grad D = D_u grad u + D_v grad v along the surface.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["atlas_gradients", "cavity", "height_slopes"]

CAVITY_PER_M = 300.0
"""Share of the sky that is lost per metre below the skin around: a groove of 1 mm loses 0.3."""
_LEAST_SKY = 0.3
_AROUND_M = 0.004
"""How far around a place its skin's height is averaged."""
ATLAS_M = 0.18
"""Side of the atlas on a mean face, for lengths that need no better."""


def height_slopes(height: Tensor) -> Tensor:
    """(..., 2, S, S) change of heights (..., S, S) per unit of u (across) and of v (down)."""
    side = height.shape[-1]
    padded = F.pad(height[..., None, :, :].flatten(0, -3)[:, None], (1, 1, 1, 1), mode="replicate")
    along_u = 0.5 * side * (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2])
    along_v = 0.5 * side * (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1])
    return torch.cat([along_u, along_v], 1).reshape(*height.shape[:-2], 2, side, side)


def cavity(height: Tensor) -> Tensor:
    """(..., S, S) share of the sky that furrows leave of what the face leaves, of heights
    (..., S, S) in metres."""
    side = height.shape[-1]
    reach = max(1, round(_AROUND_M / ATLAS_M * side))
    flat = F.pad(height.reshape(-1, 1, side, side), (reach,) * 4, mode="replicate")
    around = F.avg_pool2d(flat, 2 * reach + 1, stride=1).reshape(height.shape)
    return (1 - CAVITY_PER_M * (around - height).clamp_min(0)).clamp_min(_LEAST_SKY)


def atlas_gradients(vertices: Tensor, triangles: Tensor, places: Tensor) -> Tensor:
    """(B, V, 2, 3) gradients of the atlas's u and v along the surface, per metre.

    vertices (B, V, 3); triangles (F, 3) of the part that lies on the atlas; places (V, 2). The
    mean of a vertex's triangles, weighted by their areas; 0 elsewhere.
    """
    a, b, c = vertices[:, triangles].unbind(2)
    normal = torch.linalg.cross(b - a, c - a)
    area2 = normal.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    unit = normal / area2
    total = vertices.new_zeros(*vertices.shape[:2], 2, 3)
    weight = vertices.new_zeros(*vertices.shape[:2], 1, 1)
    # grad of a corner's barycentric weight: across the opposite edge, over twice the area.
    across = [torch.linalg.cross(unit, edge) for edge in (c - b, a - c, b - a)]
    corner_places = places[triangles]  # (F, 3, 2)
    gradient = sum(
        corner_places[None, :, k, :, None] * across[k][:, :, None, :] for k in range(3)
    )  # times the doubled area
    for k in range(3):
        total = total.index_add(1, triangles[:, k], gradient)
        weight = weight.index_add(1, triangles[:, k], area2[..., None])
    return total / weight.clamp_min(1e-12)
