"""Maps of the net: batch equals singles, hints are where it starts from, certainty falls."""

import pytest
import torch

from mien_training.capture.correspondence.correspondence_net import (
    HINTS,
    STRIDE,
    CorrespondenceNet,
)


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = CorrespondenceNet((8, 16), 1)
    torch.nn.init.normal_(net.unet.last.weight, std=0.05)
    return net


def told(batch, side=32):
    rng = torch.Generator().manual_seed(1)
    images = 2 * torch.rand(batch, 3, side, side, generator=rng) - 1
    hints = torch.rand(batch, HINTS, side // STRIDE, side // STRIDE, generator=rng)
    hints[:, 3] = (hints[:, 3] > 0.5).float()
    return images, hints * hints[:, 3:]


def test_a_batch_is_its_views_one_by_one(net):
    images, hints = told(3)
    together = net(images, hints)
    for n in range(3):
        alone = net(images[n : n + 1], hints[n : n + 1])
        for name in ("skin", "canonical", "deviation", "normals"):
            torch.testing.assert_close(
                getattr(together, name)[n], getattr(alone, name)[0], atol=5e-5, rtol=1e-4
            )


def test_an_untrained_net_says_what_the_hint_says():
    net = CorrespondenceNet((8, 16), 1)
    images, hints = told(2)
    maps = net(images, hints)
    torch.testing.assert_close(maps.canonical, hints[:, :3].permute(0, 2, 3, 1))
    assert maps.canonical.shape == (2, 16, 16, 3) and net.multiple == 4


def test_maps_are_of_the_features(net):
    images, hints = told(2)
    maps, features = net.with_features(images, hints)
    assert features.shape == (2, net.features, 16, 16)
    torch.testing.assert_close(maps.skin, net.unet.last(features)[:, 0])
    torch.testing.assert_close(maps.canonical, net(images, hints).canonical)


def test_certainty_falls_with_deviation_and_with_what_is_no_skin(net):
    maps = net(*told(2))
    sure = maps.certainty(0.002)
    assert ((sure > 0) & (sure < 1)).all()
    assert (maps.certainty(0.004) >= sure).all()
    expected = torch.sigmoid(maps.skin) / 2
    torch.testing.assert_close(maps.certainty(1.0) * (1 + maps.deviation.square()) / 2, expected)
    torch.testing.assert_close(maps.normals.norm(dim=-1), torch.ones(2, 16, 16))
