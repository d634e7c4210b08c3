"""Views are read alike whatever stands beside them, and nothing is claimed beyond their images."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.read_views import read_views
from mien_training.capture.localisation import head_crops


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = CorrespondenceNet((8, 16), 1).eval()
    torch.nn.init.normal_(net.unet.last.weight, std=0.05)
    return net


@pytest.fixture(scope="module")
def crops(seen_head):
    return head_crops(seen_head.cameras, seen_head.world_from_head, 32, 1.6)


def test_views_do_not_know_of_each_other(net, seen_head, crops):
    whole = read_views(net, seen_head.images, crops)
    alone = read_views(net, seen_head.images[2:3], crops[2:3])
    torch.testing.assert_close(
        whole.maps.canonical[2], alone.maps.canonical[0], atol=1e-4, rtol=1e-3
    )
    assert whole.features.shape == (4, 8, 16, 16)


def test_nothing_is_claimed_beyond_the_images(net, seen_head, crops):
    read = read_views(net, seen_head.images, crops)
    assert not read.covered.all() and read.covered.any()
    assert (read.skin()[~read.covered] == 0).all() and (read.skin()[read.covered] > 0).all()
    rays = read.rays(50, 1.0)
    for c, crop in enumerate(crops):
        own = rays.pixels[rays.camera == c]
        assert 0 < len(own) <= 50
        assert np.isfinite(crop.source_pixels(own)).all()


def test_grey_is_three_channels_alike(net, seen_head, crops):
    grey = [image[..., :1] for image in seen_head.images]
    three = [np.repeat(image, 3, 2) for image in grey]
    one, other = (read_views(net, images, crops) for images in (grey, three))
    torch.testing.assert_close(one.maps.skin, other.maps.skin)


def test_sides_that_the_net_cannot_take_are_refused(net, seen_head):
    crops = head_crops(seen_head.cameras, seen_head.world_from_head, 30)
    with pytest.raises(InputError, match="crops of 30"):
        read_views(net, seen_head.images, crops)
