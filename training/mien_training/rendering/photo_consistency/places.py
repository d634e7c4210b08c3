"""Places of a surface, looked up in every image that shows them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.photo_consistency.pictures import Pictures
from mien_training.rendering.visibility import rasterize

__all__ = ["Places", "scattered_places", "visible_places"]

_NEAR_M = 0.004
"""A place this far behind what an image shows is hidden in it."""
_GRAZING, _SQUARELY = 0.15, 0.65
"""Cosine between normal and line of sight at which a view begins to count, and counts in full."""
_INSIDE = 0.99
"""Share of a coarse pixel that a mask must cover."""


@dataclass(frozen=True, eq=False)
class Places:
    """P places on a mesh, and how well N images show them."""

    triangle: Tensor
    """(P,) int64"""
    share: Tensor
    """(P, 3) of the triangle's corners."""
    weight: Tensor
    """(N, P) 0..1; 0 where hidden, and for places that fewer than two images show."""

    def at(self, values: Tensor, faces: Tensor) -> Tensor:
        """(P, X) of values (V, X) at the vertices."""
        return (values[faces[self.triangle]] * self.share[..., None]).sum(1)

    def subset(self, rows: Tensor) -> Places:
        """Places (Q,) int, or (P,) bool, alone."""
        return Places(self.triangle[rows], self.share[rows], self.weight[:, rows])


@dataclass(frozen=True, eq=False)
class _Shown:
    """What N images of a mesh show."""

    triangle: Tensor
    """(N, h, w) int64; -1 none."""
    share: Tensor
    """(N, h, w, 3) of the triangle's corners."""
    place: Tensor
    """(N, h, w, 3) world; inf where nothing is seen, or outside of the masks."""


def visible_places(
    vertices: Tensor, faces: Tensor, compared: Tensor, pictures: Pictures, size: tuple[int, int],
    count: int, rng: torch.Generator,
) -> Places:  # fmt: skip
    """At most `count` places that the images show, as many for each image as it has pixels.

    vertices (V, 3) in the world; compared (F,) bool: triangles that are taken; size: rows and
    columns of the images that visibility is worked out at. Where there are masks, what lies
    outside of them is not the face.
    """
    shown = _shown(vertices, faces, pictures, size)
    good = (shown.triangle >= 0) & compared[shown.triangle.clamp_min(0)]
    n, row, column = (good & shown.place.isfinite().all(-1)).nonzero(as_tuple=True)
    drawn = torch.randperm(len(n), generator=rng)[:count].to(n.device)
    n, row, column = n[drawn], row[drawn], column[drawn]
    triangle, share = shown.triangle[n, row, column], shown.share[n, row, column]
    return _weighted(vertices, faces, triangle, share, pictures, shown)


def scattered_places(
    vertices: Tensor, faces: Tensor, triangle: Tensor, share: Tensor, pictures: Pictures,
    size: tuple[int, int],
) -> Places:  # fmt: skip
    """Given places, triangle (P,) and share (P, 3), as the images show them; as `visible_places`,
    but that the order of the images changes nothing."""
    shown = _shown(vertices, faces, pictures, size)
    return _weighted(vertices, faces, triangle, share, pictures, shown)


def _shown(vertices: Tensor, faces: Tensor, pictures: Pictures, size: tuple[int, int]) -> _Shown:
    every = vertices.expand(len(pictures.camera), -1, -1)
    out = rasterize(pictures.views.clip(pictures.camera, every), faces, size)
    place = (vertices[faces[out.tri_id.clamp_min(0)]] * out.bary[..., None]).sum(3)
    place = torch.where(out.tri_id[..., None] >= 0, place, torch.inf)
    if pictures.masks is not None:
        masks = pictures.masks[:, None].float()
        inside = F.interpolate(masks, size, mode="area")[:, 0] > _INSIDE
        place = torch.where(inside[..., None], place, torch.inf)
    return _Shown(out.tri_id, out.bary, place)


def _weighted(
    vertices: Tensor, faces: Tensor, triangle: Tensor, share: Tensor, pictures: Pictures,
    shown: _Shown,
) -> Places:  # fmt: skip
    places = Places(triangle, share, vertices.new_zeros(0))
    views, camera, size = pictures.views, pictures.camera, shown.triangle.shape[1:]
    place = places.at(vertices, faces)
    normal = places.at(vertex_normals(vertices[None], faces)[0], faces)
    sight = views.centres[camera][:, None] - place
    cosine = F.cosine_similarity(normal.expand_as(sight), sight, dim=-1)
    pixels = views.pixels(camera, place.expand(len(camera), -1, -1))
    at = (pixels * (size[0] / pictures.size[0])).floor().long()
    last = at.new_tensor([size[1] - 1, size[0] - 1])
    within = ((at >= 0) & (at <= last)).all(-1)
    at = torch.minimum(at.clamp_min(0), last)
    there = shown.place[
        torch.arange(len(camera), device=at.device)[:, None], at[..., 1], at[..., 0]
    ]
    visible = within & ((there - place).norm(dim=-1) < _NEAR_M)
    weight = visible * ((cosine - _GRAZING) / (_SQUARELY - _GRAZING)).clamp(0, 1)
    return Places(triangle, share, weight * ((weight > 0).sum(0) > 1))
