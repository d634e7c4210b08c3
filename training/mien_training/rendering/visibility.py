"""Which triangle each pixel sees, and differentiable interpolation over it.

Only the triangle ids come from a backend and carry no gradient; barycentrics and depth are
recomputed in torch from the ids, so every backend shares the same derivatives.

Clip space is that of `camera.clip_from_camera`: x/w = -1..1 from left to right, y/w = -1..1 from
the top row to the bottom row (row 0 is the top of the image), z/w = -1..1 from near to far.
Triangles with a corner at w <= 0 are dropped, not clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from mien.errors import InputError

__all__ = ["RasterOut", "interpolate", "rasterize", "texture"]

Backend = Literal["torch", "warp"]


@dataclass(frozen=True, eq=False)
class RasterOut:
    """What a pixel grid sees of a triangle mesh."""

    tri_id: torch.Tensor
    """(B, H, W) int64 triangle index; -1 where nothing is seen."""
    bary: torch.Tensor
    """(B, H, W, 3) perspective-correct barycentric weights; zero where nothing is seen."""
    depth: torch.Tensor
    """(B, H, W) z/w in clip space, in -1..1; 1 where nothing is seen."""


def rasterize(
    verts_clip: torch.Tensor,
    faces: torch.Tensor,
    size: tuple[int, int],
    backend: Backend = "warp",
) -> RasterOut:
    """Visible triangles of (B, V, 4) clip-space vertices on a grid of size (H, W).

    faces: (F, 3) integer. Both sides of a triangle are seen. Raises InputError on other shapes or
    an unknown backend. Differentiable in `verts_clip` through `bary` and `depth` (no gradient from
    occlusion edges).
    """
    if verts_clip.ndim != 3 or verts_clip.shape[2] != 4:
        raise InputError(f"rasterize: verts_clip {tuple(verts_clip.shape)}, expected (B, V, 4)")
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise InputError(f"rasterize: faces {tuple(faces.shape)}, expected (F, 3)")
    if size[0] < 1 or size[1] < 1:
        raise InputError(f"rasterize: size {size}, expected (H, W), both positive")
    faces = faces.to(verts_clip.device, torch.int64)
    with torch.no_grad():
        points = _screen_points(verts_clip.detach(), size)
        if backend == "torch":
            tri_id = torch.stack([_visible_torch(p, faces, size) for p in points])
        elif backend == "warp":
            tri_id = _visible_warp(points, faces, size)
        else:
            raise InputError(f"rasterize: backend {backend!r}, expected 'torch' or 'warp'")
    return _complete(verts_clip, faces, tri_id)


def _screen_points(verts_clip: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(B, V, 3) pixel x, pixel y, depth 0..1; depth -1 marks vertices without an image."""
    w = verts_clip[..., 3]
    seen = w > 1e-9
    ndc = verts_clip[..., :3] / torch.where(seen, w, torch.ones_like(w))[..., None]
    x = (0.5 * ndc[..., 0] + 0.5) * size[1]
    y = (0.5 * ndc[..., 1] + 0.5) * size[0]
    depth = (0.5 * ndc[..., 2] + 0.5).clamp(0.0, 1.0)
    return torch.stack([x, y, torch.where(seen, depth, -torch.ones_like(depth))], -1)


def _visible_torch(
    points: torch.Tensor, faces: torch.Tensor, size: tuple[int, int], chunk: int = 1 << 20
) -> torch.Tensor:
    """Reference backend: enumerates the pixels of every bounding box, keeps the nearest."""
    height, width = size
    corners = points[faces]
    lower, upper = corners.amin(1), corners.amax(1)
    left = (lower[:, 0] - 0.5).ceil().clamp(0, width).long()
    right = (upper[:, 0] - 0.5).floor().clamp(-1, width - 1).long()
    top = (lower[:, 1] - 0.5).ceil().clamp(0, height).long()
    bottom = (upper[:, 1] - 0.5).floor().clamp(-1, height - 1).long()
    columns, rows = (right - left + 1).clamp(min=0), (bottom - top + 1).clamp(min=0)
    a, b, c = corners[..., :2].unbind(1)
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    count = columns * rows * ((area != 0) & (lower[:, 2] >= 0))
    # Keys sort by depth, then by triangle: depth in the high word, id in the low one.
    best = torch.full((height * width,), torch.iinfo(torch.int64).max, device=points.device)
    ends = count.cumsum(0)
    start = 0
    while start < len(faces):
        budget = (int(ends[start - 1]) if start else 0) + chunk
        stop = max(start + 1, int(torch.searchsorted(ends, budget, right=True)))
        ids = torch.arange(start, stop, device=points.device).repeat_interleave(count[start:stop])
        first = ends[ids] - count[ids] - (int(ends[start - 1]) if start else 0)
        k = torch.arange(len(ids), device=points.device) - first
        column, row = left[ids] + k % columns[ids], top[ids] + k // columns[ids]
        p = torch.stack([column, row], -1).to(points.dtype) + 0.5
        weights = _edge_functions(corners[ids, :, :2], p) / area[ids, None]
        inside = (weights >= -1e-5 / area[ids, None].abs()).all(-1)
        depth = (weights * corners[ids, :, 2]).sum(-1).clamp(0, 1)
        key = ((depth.double() * 0x7FFFFFFF).long() << 32) | ids
        best.scatter_reduce_(0, (row * width + column)[inside], key[inside], "amin")
        start = stop
    seen = best != torch.iinfo(torch.int64).max
    return torch.where(seen, best & 0xFFFFFFFF, -1).reshape(size)


def _edge_functions(corners: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """(N, 3) twice the signed areas opposite each of the corners (N, 3, 2) at points (N, 2)."""
    d = corners - p[:, None]
    b, c = d[:, (1, 2, 0)], d[:, (2, 0, 1)]
    return b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]


def _visible_warp(points: torch.Tensor, faces: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Z-buffer backend: one thread per (view, triangle), packed keys, atomic minimum."""
    import warp as wp

    from mien_training.rendering.raster_kernels import raster_kernel

    xyz = points.float().contiguous()
    indices = faces.int().contiguous()
    keys = torch.full((len(xyz), *size), -1, dtype=torch.int64, device=xyz.device)
    if xyz.is_cuda and not wp.is_cuda_available():
        raise InputError("rasterize: torch uses CUDA, but Warp finds no driver; take device cpu")
    device = wp.device_from_torch(xyz.device)
    # Torch has no uint64 arithmetic: Warp sees the same memory as unsigned.
    unsigned = wp.array(
        ptr=keys.data_ptr(), dtype=wp.uint64, shape=tuple(keys.shape), device=device
    )
    wp.launch(
        raster_kernel,
        dim=(len(xyz), len(indices)),
        inputs=[
            wp.from_torch(xyz, dtype=wp.vec3), wp.from_torch(indices, dtype=wp.vec3i), 0, 0, 0,
            unsigned,
        ],
        device=device,
    )  # fmt: skip
    if xyz.is_cuda:
        wp.synchronize_device(device)
    return torch.where(keys == -1, -1, keys & 0xFFFFFFFF)


def _complete(verts_clip: torch.Tensor, faces: torch.Tensor, tri_id: torch.Tensor) -> RasterOut:
    """Barycentrics and depth by homogeneous edge functions (Olano and Greer 1997)."""
    batch, height, width = tri_id.shape
    view, row, column = (tri_id >= 0).nonzero(as_tuple=True)
    corners = verts_clip[view[:, None], faces[tri_id[view, row, column]]]
    xyw = corners[..., (0, 1, 3)]
    dtype, device = verts_clip.dtype, verts_clip.device
    x = (column.to(dtype) + 0.5) * (2.0 / width) - 1.0
    y = (row.to(dtype) + 0.5) * (2.0 / height) - 1.0
    # Relative to the pixel before the cross product: float32 keeps its digits for small triangles.
    shifted = torch.stack(
        [xyw[..., 0] - x[:, None] * xyw[..., 2], xyw[..., 1] - y[:, None] * xyw[..., 2]], -1
    )
    b, c = shifted[:, (1, 2, 0)], shifted[:, (2, 0, 1)]
    e = b[..., 0] * c[..., 1] - b[..., 1] * c[..., 0]
    weights = e / e.sum(-1, keepdim=True)
    ndc_depth = (weights * corners[..., 2]).sum(-1) / (weights * corners[..., 3]).sum(-1)
    bary = torch.zeros(batch, height, width, 3, dtype=dtype, device=device)
    depth = torch.ones(batch, height, width, dtype=dtype, device=device)
    bary = bary.index_put((view, row, column), weights)
    depth = depth.index_put((view, row, column), ndc_depth)
    return RasterOut(tri_id, bary, depth)


def interpolate(attributes: torch.Tensor, faces: torch.Tensor, out: RasterOut) -> torch.Tensor:
    """(V, C) or (B, V, C) vertex attributes -> (B, H, W, C) pixels, zero where nothing is seen."""
    batch = out.tri_id.shape[0]
    if attributes.ndim == 2:
        attributes = attributes.expand(batch, -1, -1)
    if attributes.ndim != 3 or len(attributes) != batch:
        raise InputError(
            f"interpolate: attributes {tuple(attributes.shape)}, expected (V, C) or ({batch}, V, C)"
        )
    view, row, column = (out.tri_id >= 0).nonzero(as_tuple=True)
    corners = attributes[view[:, None], faces[out.tri_id[view, row, column]]]
    values = (out.bary[view, row, column][..., None] * corners).sum(1)
    image = values.new_zeros(*out.tri_id.shape, attributes.shape[2])
    return image.index_put((view, row, column), values)


def texture(image: torch.Tensor, uv: torch.Tensor) -> torch.Tensor:
    """Bilinear read of a (H, W, C) or (B, H, W, C) texture at (B, h, w, 2) coordinates.

    (0, 0) is the upper left corner, texel centres lie at (i + 0.5) / size, borders are clamped.
    Differentiable in both arguments.
    """
    if image.ndim == 3:
        image = image.expand(len(uv), -1, -1, -1)
    if image.ndim != 4 or uv.ndim != 4 or uv.shape[-1] != 2:
        raise InputError(
            f"texture: image {tuple(image.shape)}, uv {tuple(uv.shape)}, "
            "expected (H, W, C) and (B, h, w, 2)"
        )
    sampled = torch.nn.functional.grid_sample(
        image.permute(0, 3, 1, 2), 2.0 * uv - 1.0, mode="bilinear", padding_mode="border",
        align_corners=False,
    )  # fmt: skip
    return sampled.permute(0, 2, 3, 1)
