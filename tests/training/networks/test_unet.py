"""The U-Net starts at nothing, takes any size, and rows of a batch do not see each other."""

import pytest
import torch

from mien_training.networks.unet import UNet


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = UNet(3, 2, (8, 16, 24), groups=4).eval()
    assert not net(torch.randn(1, 3, 16, 16)).any()
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p)
    return net


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 16), (4, 20)])
def test_any_size(net, height, width):
    assert net(torch.randn(1, 3, height, width)).shape == (1, 2, height, width)


def test_batch_equals_singles(net):
    x = torch.randn(3, 3, 16, 24)
    with torch.no_grad():
        torch.testing.assert_close(
            net(x), torch.cat([net(row[None]) for row in x]), atol=1e-5, rtol=1e-4
        )


def test_every_parameter_learns(net):
    net(torch.randn(1, 3, 16, 16)).square().mean().backward()
    for name, p in net.named_parameters():
        assert p.grad is not None and p.grad.abs().max() > 0, name
