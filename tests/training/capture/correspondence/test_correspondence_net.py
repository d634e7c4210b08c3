"""Maps of the net: batch equals singles, they are of its features, certainty falls."""

import pytest
import torch

from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = CorrespondenceNet((8, 16), 1)
    torch.nn.init.normal_(net.unet.last.weight, std=0.05)
    return net


def told(batch, side=32):
    return 2 * torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1)) - 1


def test_a_batch_is_its_views_one_by_one(net):
    images = told(3)
    together = net(images)
    for n in range(3):
        alone = net(images[n : n + 1])
        for name in ("skin", "canonical", "deviation", "normals"):
            torch.testing.assert_close(
                getattr(together, name)[n], getattr(alone, name)[0], atol=5e-5, rtol=1e-4
            )


def test_maps_are_half_as_large_as_images(net):
    maps = net(told(2))
    assert maps.canonical.shape == (2, 16, 16, 3) and net.multiple == 4
    assert maps.skin.shape == maps.deviation.shape == (2, 16, 16)


def test_maps_are_of_the_features(net):
    images = told(2)
    maps, features = net.with_features(images)
    assert features.shape == (2, net.features, 16, 16)
    torch.testing.assert_close(maps.skin, net.unet.last(features)[:, 0])
    torch.testing.assert_close(maps.canonical, net(images).canonical)


def test_places_depend_on_where_in_the_image_they_are(net):
    shown = net(torch.zeros(1, 3, 32, 32)).canonical[0].detach()
    assert float((shown[8, 4] - shown[8, 12]).norm()) > 1e-4


def test_certainty_falls_with_deviation_and_with_what_is_no_skin(net):
    maps = net(told(2))
    sure = maps.certainty(0.002)
    assert ((sure > 0) & (sure < 1)).all()
    assert (maps.certainty(0.004) >= sure).all()
    expected = torch.sigmoid(maps.skin) / 2
    torch.testing.assert_close(maps.certainty(1.0) * (1 + maps.deviation.square()) / 2, expected)
    torch.testing.assert_close(maps.normals.norm(dim=-1), torch.ones(2, 16, 16))
