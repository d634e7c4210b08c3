"""What one image says about small motions of the surface: least squares over vertices.

The image is linear in small motions: a point that moves takes its colour along (Lucas and Kanade
1981, "An Iterative Image Registration Technique"). So every pixel is an equation about the three
corners behind it, and all of an image is a 3 x 3 matrix and a vector at each vertex. Motion,
time offsets and shapes are all solved from these; nothing is rendered twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mien_training.rendering.differentiable_head import RenderedHead

__all__ = ["ROBUST_COLOUR", "VertexEquations", "projection_slopes", "vertex_equations"]

ROBUST_COLOUR = 0.02
"""Colour difference, sRGB 0..1, up to which residuals count squared, beyond which absolute."""


@dataclass(frozen=True, eq=False)
class VertexColour:
    """With moves m and changes c of V' vertices' colours, the equations gain
    sum_v 2 m_v^T cross_v c_v + mass_v |c_v|^2 - 2 residual_v^T c_v."""

    cross: Tensor
    """(V', 6, 3) of a move's parts and colours' channels."""
    mass: Tensor
    """(V',) the weight of the pixels around."""
    residual: Tensor
    """(V', 3) their weighted difference from what was seen."""


@dataclass(frozen=True, eq=False)
class VertexEquations:
    """Moves m of V' vertices minimise sum_v m_v^T hessian_v m_v - 2 rhs_v^T m_v.

    A move is a displacement, metres, and a change of the unit normal, both in rig axes.
    """

    vertex: Tensor
    """(V',) int64 which vertices: those that the image shows."""
    hessian: Tensor
    """(V', 6, 6)"""
    rhs: Tensor
    """(V', 6)"""
    colour: VertexColour
    """How a change of the surface's own colour would act."""

    @classmethod
    def none(cls, like: Tensor) -> VertexEquations:
        """Of an image that does not count; on the device of `like`."""
        row = like.new_zeros(0, 6)
        colour = VertexColour(like.new_zeros(0, 6, 3), like.new_zeros(0), like.new_zeros(0, 3))
        vertex = torch.zeros(0, dtype=torch.int64, device=like.device)
        return cls(vertex, like.new_zeros(0, 6, 6), row, colour)

    def after(self, moved: Tensor, coloured: Tensor) -> VertexEquations:
        """The equations of what is left to move after (V', 6) moves and (V', 3) changes of the
        surface's colours."""
        rest = self.rhs - torch.einsum("vxy,vy->vx", self.hessian, moved)
        rest = rest - torch.einsum("vxc,vc->vx", self.colour.cross, coloured)
        return replace(self, rhs=rest)


def vertex_equations(
    rendered: RenderedHead, seen: Tensor, where: Tensor, trust: Tensor, corners: Tensor,
    vertices: Tensor, camera_from_world: Tensor, intrinsics: Tensor, world_from_rig: Tensor,
    colour_sigma: float, shading: Callable[[Tensor, Tensor], Tensor] | None,
) -> VertexEquations:  # fmt: skip
    """Equations about moves of one image (1, H, W).

    seen (H, W, 3) sRGB 0..1; where (H, W): pixels that are compared, and trust (H, W) how far each
    counts; corners (F, 3); vertices (V, 3) in the world; camera_from_world (4, 4) and intrinsics
    (3, 3) of the camera; world_from_rig (3, 3) the head's rotation; colour_sigma: spread of colour
    differences;
    shading: `DifferentiableHead.shading_slopes` of triangles (P,) and places on them (P, 3); None
    leaves normals out.
    """
    colour = rendered.colour[0]
    # Half of either image's slope: right to second order (Benhimane and Malis 2004).
    slope_x, slope_y = ((a + b) / 2 for a, b in zip(_slopes(colour), _slopes(seen), strict=True))
    # Outlines move differently from what they bound: only pixels whose neighbours are the face's.
    rows, columns = _interior(where).nonzero(as_tuple=True)
    hit, share = rendered.triangle[0, rows, columns], rendered.bary[0, rows, columns]
    triangle = corners[hit]
    place = (vertices[triangle] * share[..., None]).sum(1)
    flow = projection_slopes(place, camera_from_world, intrinsics) @ world_from_rig
    slope = torch.stack([slope_x[rows, columns], slope_y[rows, columns]], 1)  # (P, 2, 3)
    # A surface that moves by f shows at x what was at x - f.
    carried = -torch.einsum("pac,pax->pcx", slope, flow)
    turned = torch.zeros_like(carried)
    if shading is not None:
        turned = shading(hit, share) @ world_from_rig
    jacobian = torch.cat([carried, turned], 2)  # (P, 3, 6)
    residual = seen[rows, columns] - colour[rows, columns]
    weight = ROBUST_COLOUR / (residual.norm(dim=1) + ROBUST_COLOUR) / colour_sigma**2
    weight = weight * trust[rows, columns]
    cross = (jacobian * weight[:, None, None]).transpose(1, 2)
    hessian, rhs = cross @ jacobian, (cross @ residual[..., None])[..., 0]
    weighted_residual = weight[:, None] * residual
    parts = (hessian.flatten(1), rhs, cross.flatten(1), weighted_residual, weight[:, None])
    both = torch.cat(parts, 1)
    # Shared among the corners: exact for moves that are constant on a triangle.
    total = both.new_zeros(len(vertices), both.shape[1])
    for corner in range(3):
        total.index_add_(0, triangle[:, corner], both * share[:, corner, None])
    vertex = (total[:, -1] > 0).nonzero()[:, 0]
    sizes = [part.shape[1] for part in parts]
    a, b, c, d, e = torch.split(total[vertex], sizes, 1)
    gained = VertexColour(c.reshape(-1, 6, 3), e[:, 0], d)
    return VertexEquations(vertex, a.reshape(-1, 6, 6), b, gained)


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


def _interior(where: Tensor) -> Tensor:
    """(H, W) pixels of `where` whose four neighbours are in it too."""
    calm = torch.zeros_like(where)
    calm[1:-1, 1:-1] = where[1:-1, 2:] & where[1:-1, :-2] & where[2:, 1:-1] & where[:-2, 1:-1]
    return calm & where
