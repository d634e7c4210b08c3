"""Places of a face in several images: which of them show them."""

from dataclasses import replace

import pytest
import torch

from mien_training.rendering.photo_consistency.pictures import Pictures
from mien_training.rendering.photo_consistency.places import scattered_places, visible_places

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


def test_places_are_seen_twice_and_only_from_in_front(places):
    vertices, faces, found = places
    assert ((found.weight > 0).sum(0) != 1).all() and (found.weight > 0).any(1).all()
    side = (found.at(vertices, faces)[:, 0] > 0.03) & (found.weight > 0).any(0)
    # Cameras 1 and 2 stand on either side: what is far left is hidden from one of them.
    left, right = (found.weight[n][side].mean() for n in (1, 2))
    assert max(left, right) > 2 * min(left, right)


def test_masks_hide_what_lies_outside(pictures, compared, places):
    vertices, faces, _ = places
    masks = torch.zeros(3, *pictures.size, dtype=torch.bool)
    masks[:, 128:] = True
    rng = torch.Generator().manual_seed(0)
    part = replace(pictures, masks=masks)
    found = visible_places(vertices, faces, compared, part, (256, 256), 500, rng)
    place = found.at(vertices, faces)
    pixels = pictures.views.pixels(pictures.camera, place.expand(3, -1, -1))
    assert (found.weight[pixels[..., 1] < 127] == 0).all() and (found.weight > 0).any()


def test_given_places_are_weighted_as_drawn_ones_in_any_order_of_pictures(pictures, places):
    vertices, faces, found = places

    def weights(pictures: Pictures) -> torch.Tensor:
        return scattered_places(
            vertices, faces, found.triangle, found.share, pictures, (256, 256)
        ).weight

    torch.testing.assert_close(weights(pictures), found.weight, atol=1e-6, rtol=0)
    order = torch.tensor([2, 0, 1])
    turned = replace(
        pictures,
        camera=pictures.camera[order],
        masks=None if pictures.masks is None else pictures.masks[order],
    )
    torch.testing.assert_close(weights(turned), found.weight[order], atol=1e-6, rtol=0)


def test_values_at_places_are_linear_and_constant_where_vertices_agree(places):
    vertices, faces, found = places
    torch.testing.assert_close(found.at(2 * vertices, faces), 2 * found.at(vertices, faces))
    ones = torch.ones(len(vertices), 1)
    torch.testing.assert_close(found.at(ones, faces), torch.ones(len(found.triangle), 1))
    some = found.subset(torch.arange(5))
    torch.testing.assert_close(some.at(vertices, faces), found.at(vertices, faces)[:5])
