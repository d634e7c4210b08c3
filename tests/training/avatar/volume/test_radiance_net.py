"""Density and colour of single points."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

from mien_training.avatar.volume.anchoring import Nearby  # noqa: E402
from mien_training.avatar.volume.radiance_net import RadianceNet  # noqa: E402
from mien_training.avatar.volume.volume_config import SIZES  # noqa: E402


def nearby(heights, generator):
    count = len(heights)
    shares = torch.rand(count, 4, generator=generator)
    return Nearby(
        torch.randint(20, (count, 4, 1), generator=generator), None,
        0.005 * torch.randn(count, 4, 3, generator=generator),
        shares / shares.sum(1, keepdim=True), heights, torch.ones(count),
    )  # fmt: skip


@pytest.fixture(params=["small", "paper"])
def net(request):
    torch.manual_seed(0)
    return RadianceNet(SIZES[request.param]), SIZES[request.param].features


def test_it_starts_solid_inside_and_thin_outside(net):
    net, features = net
    generator = torch.Generator().manual_seed(0)
    near = nearby(torch.tensor([-0.01, 0.01]), generator)
    density, colour = net(near, torch.randn(20, features), torch.zeros(2, 3))
    assert density[0] > 500 and 0 < density[1] < 10
    assert ((colour > 0) & (colour < 1)).all()


def test_the_order_of_neighbours_is_no_matter_and_points_stand_alone(net):
    net, features = net
    generator = torch.Generator().manual_seed(1)
    near, table = nearby(torch.zeros(6), generator), torch.randn(20, features)
    view = torch.nn.functional.normalize(torch.randn(6, 3), dim=1)
    torch.nn.init.normal_(net.density.weight)
    density, colour = net(near, table, view)
    turned = Nearby(
        near.rows.flip(1), None, near.offsets.flip(1), near.shares.flip(1), near.heights,
        near.presence,
    )  # fmt: skip
    torch.testing.assert_close(net(turned, table, view)[0], density)
    one = torch.tensor([4])
    alone = net(near.only(one), table, view[one])
    torch.testing.assert_close(alone[0], density[one])
    torch.testing.assert_close(alone[1], colour[one])


def test_where_nothing_is_near_density_is_exactly_zero(net):
    net, features = net
    near = nearby(torch.zeros(3), torch.Generator().manual_seed(2))
    gone = Nearby(near.rows, None, near.offsets, near.shares, near.heights, torch.zeros(3))
    assert (net(gone, torch.randn(20, features), torch.zeros(3, 3))[0] == 0).all()
