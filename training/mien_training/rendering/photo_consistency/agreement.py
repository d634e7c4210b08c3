"""Whether images that show the same places of a surface agree on their colours."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.rendering.appearance import harmonics
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.photo_consistency.pictures import Pictures
from mien_training.rendering.photo_consistency.places import Places

__all__ = ["SOFT", "disagreement", "image_lights", "mean_colour", "sampled_logarithms"]

SOFT = 0.03
"""Differences of logarithms below this count by their square."""
_ROUNDS = 4


def disagreement(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, pictures: Pictures,
    light: Tensor,
) -> Tensor:  # fmt: skip
    """Mean robust difference of each image from the mean of those that show the same place.

    log_images (N, X, h, w) and light (N, X, P): logarithms; differentiable in vertices (V, 3),
    along the surface's normals only: agreement tells where the surface is, not which part of the
    face a place on it is. Lips and lids would slide.
    """
    colour = _colours(vertices, faces, places, log_images, pictures) - light
    gap = ((colour - mean_colour(colour, places)).square().sum(1) + SOFT**2).sqrt() - SOFT
    return (gap * places.weight).sum() / places.weight.sum().clamp_min(1e-6)


def image_lights(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, pictures: Pictures
) -> Tensor:
    """(N, X, P) how much brighter each image is at each place, as its light would make it.

    Nine numbers an image and colour: spherical harmonics of the normal. Lamps that stand still
    need one, the exposure; a flash, or a person on a turning chair, needs them all.
    """
    with torch.no_grad():
        colour = _colours(vertices, faces, places, log_images, pictures)
        normal = places.at(vertex_normals(vertices[None], faces)[0], faces)
        basis = harmonics(F.normalize(normal, dim=-1))
        light = torch.zeros_like(colour)
        ridge = 1e-2 * torch.eye(basis.shape[1], device=basis.device)
        for _ in range(_ROUNDS):
            mean = mean_colour(colour - light, places)
            for n in range(len(colour)):
                left = (colour[n] - light[n] - mean).norm(dim=0)
                weighted = basis * (places.weight[n] / (left + SOFT))[:, None]
                rhs = weighted.T @ (colour[n] - mean).T
                light[n] = (basis @ torch.linalg.solve(weighted.T @ basis + ridge, rhs)).T
    return light


def mean_colour(colour: Tensor, places: Places) -> Tensor:
    """(X, P) what the images that show each place say on average of colours (N, X, P)."""
    weight = places.weight[:, None]
    return (weight * colour).sum(0) / weight.sum(0).clamp_min(1e-6)


def sampled_logarithms(place: Tensor, log_images: Tensor, pictures: Pictures) -> Tensor:
    """(N, X, P) values of (N, X, h, w), as `logarithms` makes them, at (P, 3) world points."""
    pixels = pictures.views.pixels(pictures.camera, place.expand(len(pictures.camera), -1, -1))
    rows, columns = log_images.shape[2:]
    # `logarithms` leaves out the last pixels where sides are no multiples of what it takes as one.
    shrink = pictures.size[0] // rows
    grid = 2 * pixels / pixels.new_tensor([shrink * columns, shrink * rows]) - 1
    return F.grid_sample(log_images, grid[:, None], align_corners=False)[:, :, 0]


def _colours(
    vertices: Tensor, faces: Tensor, places: Places, log_images: Tensor, pictures: Pictures
) -> Tensor:
    """(N, X, P) logarithms of the images' colours at the places."""
    held = vertices.detach()
    normal = F.normalize(places.at(vertex_normals(held[None], faces)[0], faces), dim=-1)
    moved = places.at(vertices - held, faces)
    place = places.at(held, faces) + (moved * normal).sum(1, keepdim=True) * normal
    return sampled_logarithms(place, log_images, pictures)
