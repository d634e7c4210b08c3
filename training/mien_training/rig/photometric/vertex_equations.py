"""What one image says about small motions of the surface: least squares over vertices.

The image is linear in small motions: a point that moves takes its colour along (Lucas and Kanade
1981, "An Iterative Image Registration Technique"). So every pixel is an equation about the three
corners behind it, and all of an image is a 3 x 3 matrix and a vector at each vertex. Motion,
time offsets and shapes are all solved from these; nothing is rendered twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rendering.differentiable_head import RenderedHead

__all__ = ["ROBUST_COLOUR", "VertexEquations", "projection_slopes", "vertex_equations"]

ROBUST_COLOUR = 0.02
"""Colour difference, sRGB 0..1, up to which residuals count squared, beyond which absolute."""


@dataclass(frozen=True, eq=False)
class VertexEquations:
    """Displacements d of V' vertices minimise sum_v d_v^T hessian_v d_v - 2 rhs_v^T d_v."""

    vertex: Tensor
    """(V',) int64 which vertices: those that the image shows."""
    hessian: Tensor
    """(V', 3, 3)"""
    rhs: Tensor
    """(V', 3)"""

    @classmethod
    def none(cls, like: Tensor) -> VertexEquations:
        """Of an image that does not count; on the device of `like`."""
        return cls(
            torch.zeros(0, dtype=torch.int64, device=like.device), like.new_zeros(0, 3, 3),
            like.new_zeros(0, 3),
        )  # fmt: skip

    def after(self, moved: Tensor) -> VertexEquations:
        """The equations of what is left to move after (V', 3) displacements."""
        rest = self.rhs - torch.einsum("vxy,vy->vx", self.hessian, moved)
        return VertexEquations(self.vertex, self.hessian, rest)


def vertex_equations(
    rendered: RenderedHead, seen: Tensor, where: Tensor, corners: Tensor, vertices: Tensor,
    camera_from_world: Tensor, intrinsics: Tensor, world_from_rig: Tensor, colour_sigma: float,
) -> VertexEquations:  # fmt: skip
    """Equations about displacements in rig axes, metres, of one image (1, H, W).

    seen (H, W, 3) sRGB 0..1; where (H, W): pixels that are compared; corners (F, 3); vertices
    (V, 3) in the world; camera_from_world (4, 4) and intrinsics (3, 3) of the camera;
    world_from_rig (3, 3) the head's rotation; colour_sigma: spread of colour differences.
    """
    colour = rendered.colour[0]
    # Half of either image's slope: right to second order (Benhimane and Malis 2004).
    slope_x, slope_y = ((a + b) / 2 for a, b in zip(_slopes(colour), _slopes(seen), strict=True))
    # Outlines move differently from what they bound: only pixels whose neighbours are the face's.
    rows, columns = _calm(where).nonzero(as_tuple=True)
    triangle, share = corners[rendered.triangle[0, rows, columns]], rendered.bary[0, rows, columns]
    place = (vertices[triangle] * share[..., None]).sum(1)
    flow = projection_slopes(place, camera_from_world, intrinsics) @ world_from_rig
    slope = torch.stack([slope_x[rows, columns], slope_y[rows, columns]], 1)  # (P, 2, 3)
    # A surface that moves by f shows at x what was at x - f.
    jacobian = -torch.einsum("pac,pax->pcx", slope, flow)
    residual = seen[rows, columns] - colour[rows, columns]
    weight = ROBUST_COLOUR / (residual.norm(dim=1) + ROBUST_COLOUR) / colour_sigma**2
    hessian = torch.einsum("pcx,pcy,p->pxy", jacobian, jacobian, weight)
    rhs = torch.einsum("pcx,pc,p->px", jacobian, residual, weight)
    both = torch.cat([hessian.flatten(1), rhs], 1)
    # Shared among the corners: exact for displacements that are constant on a triangle.
    total = both.new_zeros(len(vertices), 12)
    for corner in range(3):
        total.index_add_(0, triangle[:, corner], both * share[:, corner, None])
    vertex = (total[:, 0] + total[:, 4] + total[:, 8] > 0).nonzero()[:, 0]
    kept = total[vertex]
    return VertexEquations(vertex, kept[:, :9].reshape(-1, 3, 3), kept[:, 9:])


def projection_slopes(place: Tensor, camera_from_world: Tensor, intrinsics: Tensor) -> Tensor:
    """(P, 2, 3) pixels per metre of world points (P, 3)."""
    at = place @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
    depth = at[:, 2].clamp_min(0.01)
    zero = torch.zeros_like(depth)
    flat = torch.stack(
        [
            torch.stack([1 / depth, zero, -at[:, 0] / depth**2], 1),
            torch.stack([zero, 1 / depth, -at[:, 1] / depth**2], 1),
        ],
        1,
    )
    slopes: Tensor = intrinsics[:2, :2] @ flat @ camera_from_world[:3, :3]
    return slopes


def _slopes(image: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences (H, W, 3) along x and y, per pixel."""
    along_x, along_y = torch.zeros_like(image), torch.zeros_like(image)
    along_x[:, 1:-1] = 0.5 * (image[:, 2:] - image[:, :-2])
    along_y[1:-1] = 0.5 * (image[2:] - image[:-2])
    return along_x, along_y


def _calm(where: Tensor) -> Tensor:
    """(H, W) pixels of `where` whose four neighbours are in it too."""
    calm = torch.zeros_like(where)
    calm[1:-1, 1:-1] = where[1:-1, 2:] & where[1:-1, :-2] & where[2:, 1:-1] & where[:-2, 1:-1]
    return calm & where
