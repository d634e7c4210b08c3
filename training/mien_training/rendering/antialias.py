"""Antialiasing that starts from silhouette edges, so that outlines have gradients.

The usual differentiable antialiasing (Laine et al. 2020, "Modular Primitives") looks for the
outline inside the triangle that a pixel sees. On a dense head the triangles at the outline are
slivers that no pixel centre hits, and most of the gradient is lost. Here the edges are asked: each
silhouette edge finds the pairs of neighbouring pixel centres that it runs between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from mien.errors import InputError
from mien_training.rendering.visibility import RasterOut

__all__ = ["EdgeTopology", "antialias"]

_NEAR_TOLERANCE = 5e-3
"""Share of its distance by which the pixel inside an outline may lie behind the outline."""


@dataclass(frozen=True, eq=False)
class EdgeTopology:
    """Every edge of a triangle mesh, and what lies on its two sides."""

    ends: Tensor
    """(E, 2) vertices."""
    opposite: Tensor
    """(E, 2) third vertices of its triangles; equal where there is one triangle only."""

    @classmethod
    def of(cls, faces: ArrayLike) -> EdgeTopology:
        """From (F, 3) triangles. Of an edge with three or more, the first two count."""
        f = np.asarray(faces, np.int64)
        if f.ndim != 2 or f.shape[1] != 3 or not len(f):
            raise InputError(f"EdgeTopology: faces {f.shape}, expected (F, 3) with F >= 1")
        ends = np.sort(np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1)
        third = np.concatenate([f[:, 2], f[:, 0], f[:, 1]])
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        ends, third = ends[order], third[order]
        first = np.flatnonzero(np.r_[True, (ends[1:] != ends[:-1]).any(1)])
        count = np.diff(np.r_[first, len(ends)])
        second = third[np.minimum(first + 1, len(third) - 1)]
        opposite = np.stack([third[first], np.where(count > 1, second, third[first])], 1)
        return cls(torch.from_numpy(ends[first]), torch.from_numpy(opposite))

    def to(self, device: torch.device) -> EdgeTopology:
        """The same on another device."""
        return EdgeTopology(self.ends.to(device), self.opposite.to(device))


def antialias(
    image: Tensor, out: RasterOut, verts_clip: Tensor, faces: Tensor, topology: EdgeTopology
) -> Tensor:
    """(B, H, W, C) image with its outlines blended by how far they cut into pixels.

    `out` is `rasterize(verts_clip, faces, (H, W))`. Differentiable in the image and, through the
    position of the outlines, in verts_clip (B, V, 4). Raises InputError for other shapes.

    An edge is an outline if its triangles lie on one side of it in the picture. Outlines cross
    rows and columns of pixel centres; a crossing counts by the squared component of the edge's
    normal along its pair, so that rows hand over to columns smoothly: with a switch at 45 degrees
    the samples end there, which costs several percent of the gradient. It lies between a near
    pixel, on the side of the triangles, and a far one, of which it must hide a part: the far pixel
    has to be farther than the edge, the near one must not be hidden behind something else. That
    the near pixel is *not much nearer* than the edge must not be asked: behind a grazing outline
    the surface rises steeply.
    """
    batch, height, width = out.tri_id.shape
    if image.shape[:3] != out.tri_id.shape or verts_clip.shape[::2] != (batch, 4):
        raise InputError(
            f"antialias: image {tuple(image.shape)}, verts_clip {tuple(verts_clip.shape)}, "
            f"expected ({batch}, {height}, {width}, C) and ({batch}, V, 4)"
        )
    return torch.stack(
        [
            _blend(image[view], _Pairs.find(view, out, verts_clip[view], faces, topology))
            for view in range(batch)
        ]
    )


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pixel pairs with an outline between them."""

    near: Tensor
    """(N,) flat pixel index on the side of the surface."""
    far: Tensor
    """(N,) flat pixel index on the other side."""
    reach: Tensor
    """(N,) how far the surface goes from the near centre to the far one, 0..1; has gradients."""
    weight: Tensor
    """(N,) 1 for an outline square to the pair, 0 for one along it."""

    @classmethod
    def find(
        cls, view: int, out: RasterOut, clip: Tensor, faces: Tensor, topology: EdgeTopology
    ) -> _Pairs:
        height, width = out.tri_id.shape[1:]
        size = clip.new_tensor([width, height])
        w = clip[:, 3]
        seen = w.detach() > 1e-6
        xy = (clip[:, :2] / torch.where(seen, w, 1.0)[:, None] + 1) * 0.5 * size
        edges = _outlines(xy.detach(), seen, topology)
        depth = _pixel_depth(view, out, w.detach(), faces)
        found = [
            _crossings(xy, w.detach(), topology, edges, depth, (height, width), axis)
            for axis in (0, 1)
        ]
        near, far, reach, weight, edge_depth, pair = (
            torch.cat(parts) for parts in zip(*found, strict=True)
        )
        # Of several outlines between the same two pixels the nearest one shows.
        order = torch.argsort(edge_depth)
        order = order[torch.argsort(pair[order], stable=True)]
        keep = torch.ones_like(order, dtype=torch.bool)
        keep[1:] = pair[order][1:] != pair[order][:-1]
        chosen = order[keep]
        return cls(near[chosen], far[chosen], reach[chosen], weight[chosen])


def _outlines(xy: Tensor, seen: Tensor, topology: EdgeTopology) -> Tensor:
    """(N,) edges whose triangles lie on one side of them in the picture."""
    a, b = xy[topology.ends].unbind(1)
    along = b - a
    across = xy[topology.opposite] - a[:, None]
    side = along[:, None, 0] * across[..., 1] - along[:, None, 1] * across[..., 0]
    outline = side[:, 0] * side[:, 1] > 0
    outline &= seen[topology.ends].all(1) & seen[topology.opposite].all(1)
    return outline.nonzero()[:, 0]


def _pixel_depth(view: int, out: RasterOut, w: Tensor, faces: Tensor) -> Tensor:
    """(H * W,) distance along the view axis of what each pixel sees; infinite where nothing."""
    tri_id = out.tri_id[view].flatten()
    hit = (tri_id >= 0).nonzero()[:, 0]
    depth = torch.full(tri_id.shape, torch.inf, dtype=w.dtype, device=w.device)
    bary = out.bary[view].detach().reshape(-1, 3)[hit]
    depth[hit] = (bary * w[faces[tri_id[hit]]]).sum(1)
    return depth


def _crossings(
    xy: Tensor,
    w: Tensor,
    topology: EdgeTopology,
    edges: Tensor,
    depth: Tensor,
    size: tuple[int, int],
    axis: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Near, far, reach, weight, depth of the edge, and a name of the pixel pair, (N,) each.

    axis 0: between left and right neighbours; 1: between upper and lower ones. In both, u runs
    from pixel to pixel of a pair and v along the line of centres that is crossed.
    """
    height, width = size
    count_u, count_v = (width, height) if axis == 0 else (height, width)
    with torch.no_grad():
        v_ends = xy[topology.ends[edges], 1 - axis]
        # Half open, so that a vertex on a line of centres counts for one of its edges.
        first = (v_ends.amin(1) - 0.5).ceil().clamp(0, count_v).long()
        last = (v_ends.amax(1) - 0.5).ceil().clamp(0, count_v).long()
        count = last - first
        which = torch.arange(len(edges), device=edges.device).repeat_interleave(count)
        before = count.cumsum(0) - count
        line = first[which] + torch.arange(len(which), device=edges.device) - before[which]
        edges = edges[which]
    a, b = topology.ends[edges].unbind(1)
    u0, v0, u1, v1 = xy[a, axis], xy[a, 1 - axis], xy[b, axis], xy[b, 1 - axis]
    slope = (u1 - u0) / (v1 - v0)
    share = (line.to(xy.dtype) + 0.5 - v0) / (v1 - v0)
    u = u0 + share * (u1 - u0)
    with torch.no_grad():
        weight = 1 / (1 + slope**2)  # the squared u component of the edge's normal
        pixel = (u - 0.5).floor().long()
        third = xy[topology.opposite[edges, 0]]
        upwards = third[:, axis] > u0 + (third[:, 1 - axis] - v0) * slope
        inside = (pixel >= 0) & (pixel < count_u - 1)
        pixel = pixel.clamp(0, count_u - 2)
        stride_u, stride_v = (1, width) if axis == 0 else (width, 1)
        lower = line * stride_v + pixel * stride_u
        near = torch.where(upwards, lower + stride_u, lower)
        far = torch.where(upwards, lower, lower + stride_u)
        edge_depth = 1 / ((1 - share) / w[a] + share / w[b])
        hides = depth[far] > edge_depth
        shows = depth[near] < edge_depth * (1 + _NEAR_TOLERANCE)
        kept = (inside & hides & shows).nonzero()[:, 0]
    fraction = u[kept] - 0.5 - pixel[kept].to(u.dtype)
    reach = torch.where(upwards[kept], 1 - fraction, fraction)
    return near[kept], far[kept], reach, weight[kept], edge_depth[kept], 2 * lower[kept] + axis


def _blend(image: Tensor, pairs: _Pairs) -> Tensor:
    """(H, W, C): the far pixel gets some of the surface, or the near one some of what is behind."""
    flat = image.reshape(-1, image.shape[-1])
    difference = flat[pairs.near] - flat[pairs.far]
    excess = pairs.reach - 0.5  # how far the surface goes beyond the border of the near pixel
    target = torch.where(excess > 0, pairs.far, pairs.near)
    return flat.index_add(0, target, (pairs.weight * excess)[:, None] * difference).reshape(
        image.shape
    )
