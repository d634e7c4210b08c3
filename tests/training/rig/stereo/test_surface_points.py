"""Places of a face in several images: which show them, and whether those agree."""

from dataclasses import replace

import pytest
import torch

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rig.stereo import surface_points as stereo_places
from mien_training.rig.stereo.surface_points import (
    disagreement,
    image_lights,
    logarithms,
    visible_places,
)
from mien_training.templates.regions import compared_triangles

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


@pytest.fixture(scope="module")
def places(template, person, seen):
    faces = torch.from_numpy(template.triangles).long()
    compared = torch.from_numpy(compared_triangles(template, False))
    vertices = torch.from_numpy(person.neutral)
    rng = torch.Generator().manual_seed(0)
    found = visible_places(vertices, faces, compared, seen, (256, 256), 2000, rng)
    return vertices, faces, found


def test_places_are_seen_twice_and_only_from_in_front(seen, places):
    vertices, faces, found = places
    assert ((found.weight > 0).sum(0) != 1).all() and (found.weight > 0).any(1).all()
    side = (found.at(vertices, faces)[:, 0] > 0.03) & (found.weight > 0).any(0)
    # Cameras 1 and 2 stand on either side: what is far left is hidden from one of them.
    left, right = (found.weight[n][side].mean() for n in (1, 2))
    assert max(left, right) > 2 * min(left, right)


def test_the_true_face_agrees_best_and_exposure_does_not_matter(seen, places):
    vertices, faces, found = places
    log_images = logarithms(seen.images, 1)

    def loss(head, log_images):
        light = image_lights(head, faces, found, log_images, seen)
        return float(disagreement(head, faces, found, log_images, seen, light))

    deeper = vertices + torch.tensor([0.0, 0.0, -0.003])
    assert loss(vertices, log_images) < 0.8 * loss(deeper, log_images)
    brighter = log_images + torch.tensor([0.2, 0.0, -0.3])[:, None, None, None]
    assert loss(vertices, brighter) == pytest.approx(loss(vertices, log_images), rel=0.05)


def test_masks_hide_what_lies_outside(template, seen, places):
    vertices, faces, _ = places
    compared = torch.from_numpy(compared_triangles(template, False))
    masks = torch.zeros(seen.images.shape[:3], dtype=torch.bool)
    masks[:, 128:] = True
    rng = torch.Generator().manual_seed(0)
    part = replace(seen, masks=masks)
    found = visible_places(vertices, faces, compared, part, (256, 256), 500, rng)
    place = found.at(vertices, faces)
    pixels = seen.views.pixels(seen.camera, place.expand(3, -1, -1))
    assert (found.weight[pixels[..., 1] < 127] == 0).all() and (found.weight > 0).any()


def test_values_at_places_are_linear_and_constant_where_vertices_agree(places):
    vertices, faces, found = places
    torch.testing.assert_close(found.at(2 * vertices, faces), 2 * found.at(vertices, faces))
    ones = torch.ones(len(vertices), 1)
    torch.testing.assert_close(found.at(ones, faces), torch.ones(len(found.triangle), 1))


def test_brighter_pictures_are_a_sum_of_logarithms():
    dim = torch.full((1, 4, 4, 3), 60, dtype=torch.uint8)
    apart = logarithms(2 * dim, 2) - logarithms(dim, 2)
    assert apart.shape == (1, 3, 2, 2)
    torch.testing.assert_close(apart, torch.full_like(apart, 0.6931), atol=0.05, rtol=0)


def test_agreement_moves_places_along_the_normal_alone(seen, places):
    vertices, faces, found = places
    moving = vertices.clone().requires_grad_()
    light = torch.zeros(len(seen.camera), 3, len(found.triangle))
    disagreement(moving, faces, found, logarithms(seen.images, 1), seen, light).backward()
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


def test_colours_are_read_where_they_are_at_any_size_of_picture(template, seen):
    """A ramp from left to right, whose side is no multiple of what is taken as one pixel."""
    side, shrink = 250, 4
    ramp = torch.arange(side, dtype=torch.uint8)[None, None, :, None].expand(3, side, side, 3)
    part = replace(seen, images=ramp.contiguous(), masks=None)
    vertices = torch.from_numpy(template.vertices)
    faces = torch.from_numpy(template.triangles).long()
    rng = torch.Generator().manual_seed(0)
    compared = torch.from_numpy(compared_triangles(template, False))
    size = (side // shrink, side // shrink)
    places = visible_places(vertices, faces, compared, part, size, 200, rng)
    log_images = logarithms(part.images, shrink)
    found = stereo_places._colours(vertices, faces, places, log_images, part).exp() - 0.02
    place = places.at(vertices, faces)
    pixels = part.views.pixels(part.camera, place.expand(3, -1, -1))[..., 0]
    inside = (pixels > 8) & (pixels < side - 12)
    gap = 255 * found[:, 0] + 0.5 - pixels
    assert inside.sum() > 100 and gap[inside].abs().max() < 0.6
