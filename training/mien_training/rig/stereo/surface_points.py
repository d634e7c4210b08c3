"""Places of a surface, looked up in every image that shows them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.footage.observations import Observations
from mien_training.rendering.appearance import harmonics
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import rasterize

__all__ = ["Places", "disagreement", "image_lights", "logarithms", "visible_places"]

_NEAR_M = 0.004
"""A place this far behind what an image shows is hidden in it."""
_GRAZING, _SQUARELY = 0.15, 0.65
"""Cosine between normal and line of sight at which a view begins to count, and counts in full."""
_DARK = 0.02
"""Added to colours before their logarithm: sensors only report noise there."""
_SOFT = 0.03
"""Differences of logarithms below this count by their square."""
_ROUNDS = 4


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


def visible_places(
    vertices: Tensor, faces: Tensor, compared: Tensor, seen: Observations, size: tuple[int, int],
    count: int, rng: torch.Generator,
) -> Places:  # fmt: skip
    """At most `count` places that the images show, as many for each image as it has pixels.

    vertices (V, 3) in the world; compared (F,) bool: triangles that are taken; size: rows and
    columns of the images that visibility is worked out at. Where there are masks, what lies
    outside of them is not the face.
    """
    views, camera = seen.views, seen.camera
    every = vertices.expand(len(camera), -1, -1)
    out = rasterize(views.clip(camera, every), faces, size)
    triangle = out.tri_id.clamp_min(0)
    shown = (vertices[faces[triangle]] * out.bary[..., None]).sum(3)  # (N, h, w, 3)
    shown = torch.where(out.tri_id[..., None] >= 0, shown, torch.inf)
    if seen.masks is not None:
        inside = F.interpolate(seen.masks[:, None].float(), size, mode="area")[:, 0] > 0.99
        shown = torch.where(inside[..., None], shown, torch.inf)
    good = (out.tri_id >= 0) & compared[triangle] & shown.isfinite().all(-1)
    n, row, column = good.nonzero(as_tuple=True)
    drawn = torch.randperm(len(n), generator=rng)[:count].to(n.device)
    n, row, column = n[drawn], row[drawn], column[drawn]
    places = Places(triangle[n, row, column], out.bary[n, row, column], vertices.new_zeros(0))
    place = places.at(vertices, faces)
    normal = places.at(vertex_normals(vertices[None], faces)[0], faces)
    sight = views.centres[camera][:, None] - place
    cosine = F.cosine_similarity(normal.expand_as(sight), sight, dim=-1)
    pixels = views.pixels(camera, place.expand(len(camera), -1, -1))
    at = (pixels * (size[0] / seen.images.shape[1])).floor().long()
    last = at.new_tensor([size[1] - 1, size[0] - 1])
    within = ((at >= 0) & (at <= last)).all(-1)
    at = torch.minimum(at.clamp_min(0), last)
    there = shown[torch.arange(len(camera), device=at.device)[:, None], at[..., 1], at[..., 0]]
    visible = within & ((there - place).norm(dim=-1) < _NEAR_M)
    weight = visible * ((cosine - _GRAZING) / (_SQUARELY - _GRAZING)).clamp(0, 1)
    return Places(places.triangle, places.share, weight * ((weight > 0).sum(0) > 1))


def logarithms(images: Tensor, shrink: int) -> Tensor:
    """(N, 3, h, w) logarithms of (N, H, W, 3) sRGB bytes, averaged over shrink x shrink pixels.

    In these, other light or exposure is a sum.
    """
    colours = images.permute(0, 3, 1, 2).float() / 255
    if shrink > 1:
        colours = F.avg_pool2d(colours, shrink)
    return (colours + _DARK).log()


def disagreement(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, seen: Observations,
    light: Tensor,
) -> Tensor:  # fmt: skip
    """Mean robust difference of each image from the mean of those that show the same place.

    log_images (N, 3, h, w) and light (N, 3, P): logarithms; differentiable in vertices (V, 3),
    along the surface's normals only: agreement tells where the surface is, not which part of the
    face a place on it is. Lips and lids would slide.
    """
    colour = _colours(vertices, faces, places, log_images, seen) - light
    gap = ((colour - _mean(colour, places)).square().sum(1) + _SOFT**2).sqrt() - _SOFT
    return (gap * places.weight).sum() / places.weight.sum().clamp_min(1e-6)


def image_lights(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, seen: Observations
) -> Tensor:
    """(N, 3, P) how much brighter each image is at each place, as its light would make it.

    Nine numbers an image and colour: spherical harmonics of the normal. Lamps that stand still
    need one, the exposure; a flash, or a person on a turning chair, needs them all.
    """
    with torch.no_grad():
        colour = _colours(vertices, faces, places, log_images, seen)
        normal = places.at(vertex_normals(vertices[None], faces)[0], faces)
        basis = harmonics(F.normalize(normal, dim=-1))
        light = torch.zeros_like(colour)
        ridge = 1e-2 * torch.eye(basis.shape[1], device=basis.device)
        for _ in range(_ROUNDS):
            mean = _mean(colour - light, places)
            for n in range(len(colour)):
                left = (colour[n] - light[n] - mean).norm(dim=0)
                weighted = basis * (places.weight[n] / (left + _SOFT))[:, None]
                rhs = weighted.T @ (colour[n] - mean).T
                light[n] = (basis @ torch.linalg.solve(weighted.T @ basis + ridge, rhs)).T
    return light


def _mean(colour: Tensor, places: Places) -> Tensor:
    weight = places.weight[:, None]
    return (weight * colour).sum(0) / weight.sum(0).clamp_min(1e-6)


def _colours(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, seen: Observations
) -> Tensor:
    """(N, 3, P) logarithms of the images' colours at the places."""
    held = vertices.detach()
    normal = F.normalize(places.at(vertex_normals(held[None], faces)[0], faces), dim=-1)
    moved = places.at(vertices - held, faces)
    place = places.at(held, faces) + (moved * normal).sum(1, keepdim=True) * normal
    pixels = seen.views.pixels(seen.camera, place.expand(len(seen.camera), -1, -1))
    rows, columns = log_images.shape[2:]
    # `logarithms` leaves out the last pixels where sides are no multiples of what it takes as one.
    shrink = seen.images.shape[1] // rows
    grid = 2 * pixels / pixels.new_tensor([shrink * columns, shrink * rows]) - 1
    return F.grid_sample(log_images, grid[:, None], align_corners=False)[:, :, 0]
