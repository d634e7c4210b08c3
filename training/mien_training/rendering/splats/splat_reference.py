"""Gaussian splats by brute force, in torch: what the kernels of `mien.avatar` are held against.

Every Gaussian at every pixel, in any precision, differentiable by autograd. Slow and hungry:
N x H x W numbers several times over. The mathematics is in `mien.avatar.projection_kernels` and
`mien.avatar.blend_pixel_kernels`.
"""

from __future__ import annotations

import torch

from mien.avatar.splat_limits import (
    BLUR,
    FULL,
    LARGEST_ALPHA,
    LARGEST_DETERMINANT,
    MARGIN,
    NEAR_M,
    SMALLEST_ALPHA,
)

__all__ = ["draw_reference", "rotation_matrices"]


def rotation_matrices(quaternions: torch.Tensor) -> torch.Tensor:
    """(..., 3, 3) of quaternions xyzw (..., 4) of any length; zero gives no rotation."""
    length = quaternions.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    x, y, z, w = (quaternions / length).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, -1) for row in rows], -2)


def draw_reference(
    size: tuple[int, int],
    means: torch.Tensor,
    rotations: torch.Tensor,
    scales: torch.Tensor,
    opacities: torch.Tensor,
    colours: torch.Tensor,
    pose: torch.Tensor,
    lens: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """(H, W, 4) premultiplied RGB and coverage, and (H, W) sum of weight times depth, metres.

    `size`: (H, W). N Gaussians as `mien.avatar.Splats` has them, for one camera: `pose` (4, 4)
    camera_from_world, metres, `lens` (4,) fx, fy, cx, cy in pixels.
    """
    height, width = size
    p = means @ pose[:3, :3].T + pose[:3, 3]
    z = torch.where(p[:, 2] > NEAR_M, p[:, 2], torch.ones_like(p[:, 2]))
    slope = p[:, :2] / z[:, None]
    centre = slope * lens[:2] + lens[2:]
    image = means.new_tensor([width, height])
    held = torch.clamp(
        slope, (-MARGIN * image - lens[2:]) / lens[:2], ((1 + MARGIN) * image - lens[2:]) / lens[:2]
    )
    # Rows of J W, then of J W R S.
    rows = (lens[:2] / z[:, None])[..., None] * (pose[:2, :3] - held[..., None] * pose[2, :3])
    half = rows @ rotation_matrices(rotations) * scales[:, None]
    m0, m1 = half.unbind(1)
    xx, xy, yy = (m0 * m0).sum(-1), (m0 * m1).sum(-1), (m1 * m1).sum(-1)
    area = torch.linalg.cross(m0, m1)
    det = (area * area).sum(-1) + BLUR * (xx + yy) + BLUR * BLUR
    cyy = yy + BLUR
    k, h, a = xy / cyy, 1 / cyy, cyy / det

    y, x = torch.meshgrid(
        torch.arange(height, device=z.device) + 0.5,
        torch.arange(width, device=z.device) + 0.5,
        indexing="ij",
    )
    dy = y - centre[:, 1, None, None]
    t = x - centre[:, 0, None, None] - k[:, None, None] * dy
    shape = torch.exp(-0.5 * (a[:, None, None] * t * t + h[:, None, None] * dy * dy))
    alpha = (opacities[:, None, None] * shape).clamp(max=LARGEST_ALPHA)
    seen = (p[:, 2] > NEAR_M) & (det < LARGEST_DETERMINANT)
    alpha = torch.where(
        (alpha >= SMALLEST_ALPHA) & seen[:, None, None], alpha, torch.zeros_like(alpha)
    )
    order = torch.argsort(p[:, 2], stable=True)
    alpha, depth = alpha[order], z[order]
    after = torch.cumprod(1 - alpha, 0)
    through = torch.cat([torch.ones_like(after[:1]), after[:-1]])
    weights = torch.where(through >= FULL, through * alpha, torch.zeros_like(alpha))
    rgb = torch.einsum("nhw,nc->hwc", weights, colours[order])
    coverage = weights.sum(0)
    return torch.cat([rgb, coverage[..., None]], -1), torch.einsum("nhw,n->hw", weights, depth)
