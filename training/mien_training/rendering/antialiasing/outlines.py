"""Outlines: mesh edges whose triangles lie on one side of them, and the pixels they part.

The usual differentiable antialiasing (Laine et al. 2020, "Modular Primitives") looks for the
outline inside the triangle that a pixel sees. On a dense head the triangles at the outline are
slivers that no pixel centre hits, and most of the gradient is lost. Here the edges are asked: each
outline finds the pairs of neighbouring pixel centres that it runs between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from mien.errors import InputError
from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs

__all__ = ["EdgeTopology", "find_outlines"]

_NEAR_TOLERANCE = 5e-3
"""Share of its distance by which the pixel inside an outline may lie behind the outline."""


@dataclass(frozen=True, eq=False)
class EdgeTopology:
    """Every edge of a triangle mesh, and what lies on its two sides."""

    ends: Tensor
    """(E, 2) vertices."""
    opposite: Tensor
    """(E, 2) third vertices of its triangles; equal where there is one triangle only."""
    piece: Tensor
    """(F,) connected piece of each triangle: an eyeball, a tooth, the skin."""

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
        size = int(f.max()) + 1
        graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), (size, size))
        piece = connected_components(graph, directed=False)[1][f[:, 0]].astype(np.int64)
        return cls(*map(torch.from_numpy, (ends[first], opposite, piece)))

    def to(self, device: torch.device) -> EdgeTopology:
        """The same on another device."""
        return EdgeTopology(self.ends.to(device), self.opposite.to(device), self.piece.to(device))


def find_outlines(
    xy: Tensor, w: Tensor, depth: Tensor, topology: EdgeTopology, size: tuple[int, int]
) -> PixelPairs:
    """Pixel pairs of an image of size (H, W) that outlines run between; gradients reach `xy`.

    xy: (V, 2) pixels; w: (V,) distance of the vertices along the view axis; depth: (H * W,)
    distance of what each pixel sees, infinite where nothing.

    Outlines cross rows and columns of pixel centres. A crossing lies between a near pixel, on the
    side of the triangles, and a far one, of which it must hide a part: the far pixel has to be
    farther than the edge, the near one must not be hidden behind something else. That the near
    pixel is *not much nearer* than the edge must not be asked: behind a grazing outline the
    surface rises steeply.
    """
    edges = _outlines(xy.detach(), w, topology)
    found = [_crossings(xy, w, topology, edges, depth, size, axis) for axis in (0, 1)]
    name, near, far, reach, weight, edge_depth = (
        torch.cat(parts) for parts in zip(*found, strict=True)
    )
    # Of several outlines between the same two pixels the nearest one shows.
    order = torch.argsort(edge_depth)
    order = order[torch.argsort(name[order], stable=True)]
    keep = torch.ones_like(order, dtype=torch.bool)
    keep[1:] = name[order][1:] != name[order][:-1]
    chosen = order[keep]
    return PixelPairs(name[chosen], near[chosen], far[chosen], reach[chosen], weight[chosen])


def _outlines(xy: Tensor, w: Tensor, topology: EdgeTopology) -> Tensor:
    """(N,) edges whose triangles lie on one side of them in the image."""
    a, b = xy[topology.ends].unbind(1)
    along = b - a
    across = xy[topology.opposite] - a[:, None]
    side = along[:, None, 0] * across[..., 1] - along[:, None, 1] * across[..., 0]
    seen = w > 1e-6
    outline = side[:, 0] * side[:, 1] > 0
    outline &= seen[topology.ends].all(1) & seen[topology.opposite].all(1)
    return outline.nonzero()[:, 0]


def _crossings(
    xy: Tensor,
    w: Tensor,
    topology: EdgeTopology,
    edges: Tensor,
    depth: Tensor,
    size: tuple[int, int],
    axis: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Name of the pair, near, far, reach, weight and depth of the edge, (N,) each.

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
    return 2 * lower[kept] + axis, near[kept], far[kept], reach, weight[kept], edge_depth[kept]
