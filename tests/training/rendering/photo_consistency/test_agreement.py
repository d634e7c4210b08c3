"""Whether images of a face agree on the colours of its places."""

import pytest
import torch

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.photo_consistency.agreement import (
    disagreement,
    image_lights,
    sampled_logarithms,
)
from mien_training.rendering.photo_consistency.pictures import logarithms
from mien_training.rendering.photo_consistency.places import visible_places

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


def test_the_true_face_agrees_best_and_exposure_does_not_matter(stills, pictures, places):
    vertices, faces, found = places
    log_images = logarithms(stills.images, 1)

    def loss(head, log_images):
        light = image_lights(head, faces, found, log_images, pictures)
        return float(disagreement(head, faces, found, log_images, pictures, light))

    deeper = vertices + torch.tensor([0.0, 0.0, -0.003])
    assert loss(vertices, log_images) < 0.8 * loss(deeper, log_images)
    brighter = log_images + torch.tensor([0.2, 0.0, -0.3])[:, None, None, None]
    assert loss(vertices, brighter) == pytest.approx(loss(vertices, log_images), rel=0.05)


def test_agreement_moves_places_along_the_normal_alone(stills, pictures, places):
    vertices, faces, found = places
    moving = vertices.clone().requires_grad_()
    light = torch.zeros(len(pictures.camera), 3, len(found.triangle))
    log_images = logarithms(stills.images, 1)
    disagreement(moving, faces, found, log_images, pictures, light).backward()
    normal = torch.nn.functional.normalize(
        found.at(vertex_normals(vertices[None], faces)[0], faces), dim=-1
    )
    along = torch.zeros_like(vertices)  # what normals alone can ask of the corners
    corners = faces[found.triangle]
    alone = torch.bincount(corners.ravel(), minlength=len(vertices)) == 1
    lonely = alone[corners]  # corners of one place only: theirs is that place's normal
    along[corners[lonely]] = normal[:, None].expand(-1, 3, -1)[lonely]
    felt = moving.grad[alone]
    assert felt.abs().max() > 0
    across = felt - (felt * along[alone]).sum(1, keepdim=True) * along[alone]
    assert across.norm() < 1e-4 * felt.norm()


def test_colours_are_read_where_they_are_at_any_size_of_picture(anny, pictures, compared):
    """A ramp from left to right, whose side is no multiple of what is taken as one pixel."""
    side, shrink = 250, 4
    ramp = torch.arange(side, dtype=torch.uint8)[None, None, :, None].expand(3, side, side, 3)
    part = type(pictures)(pictures.views, pictures.camera, (side, side))
    vertices = torch.from_numpy(anny.vertices)
    faces = torch.from_numpy(anny.triangles).long()
    rng = torch.Generator().manual_seed(0)
    size = (side // shrink, side // shrink)
    places = visible_places(vertices, faces, compared, part, size, 200, rng)
    place = places.at(vertices, faces)
    found = sampled_logarithms(place, logarithms(ramp.contiguous(), shrink), part).exp() - 0.02
    pixels = part.views.pixels(part.camera, place.expand(3, -1, -1))[..., 0]
    inside = (pixels > 8) & (pixels < side - 12)
    gap = 255 * found[:, 0] + 0.5 - pixels
    assert inside.sum() > 100 and gap[inside].abs().max() < 0.6
