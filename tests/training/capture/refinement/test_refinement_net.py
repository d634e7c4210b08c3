"""Untrained, the net hardly moves what it is given; its tokens tell vertices apart."""

from copy import deepcopy
from dataclasses import fields

import pytest
import torch

from mien_training.capture.refinement.mesh_levels import mesh_levels, skin_vertices
from mien_training.capture.refinement.mesh_samples import MeshSamples, channels_of
from mien_training.capture.refinement.refinement_net import RefinementNet


@pytest.fixture(scope="module")
def made(anny):
    chosen = skin_vertices(anny)
    torch.manual_seed(0)
    net = RefinementNet(2, len(chosen), mesh_levels(anny, chosen, (300, 60)), 3, 0.002, 16)
    places = torch.from_numpy(anny.vertices[chosen])
    count = len(chosen)
    samples = MeshSamples(
        torch.randn(count, 3, channels_of(2)), 0.004 * torch.randn(count, 3),
        torch.randn(count, 3), torch.nn.functional.normalize(torch.randn(count, 3), dim=1),
        torch.ones(4, count),
    )  # fmt: skip
    moved = 0.002 * torch.randn(count, 3)
    return net, samples, (places, moved, torch.rand(count))


def test_untrained_it_hardly_moves(made):
    net, samples, told = made
    moved, spread = net(samples, *told)
    share = torch.sigmoid(torch.tensor(-4.0))
    torch.testing.assert_close(moved, share * samples.closest.clamp(-0.02, 0.02))
    assert (spread > 0).all() and torch.allclose(spread, spread[:1])


def test_vertices_are_told_apart_and_neighbours_listened_to(made):
    net, samples, told = made
    torch.nn.init.normal_(net.last.weight, std=0.2)
    before, _ = net(samples, *told)
    fused = samples.fused.clone()
    fused[100] += 3
    after, _ = net(MeshSamples(fused, samples.closest, samples.support, samples.normals,
                               samples.visible), *told)  # fmt: skip
    changed = (after - before).norm(dim=1) > 1e-9
    assert changed[100] and changed.sum() > 50
    net.token.data[5] += 1
    other, _ = net(samples, *told)
    assert (other - before)[5].norm() > 1e-6


def test_it_moves_no_farther_than_it_may(made):
    net, samples, told = made
    far = MeshSamples(samples.fused, 100 * samples.closest, samples.support, samples.normals,
                      samples.visible)  # fmt: skip
    torch.nn.init.zeros_(net.last.weight)
    moved, _ = net(far, *told)
    assert float(moved.detach().abs().max()) <= 0.02 + 1e-6


def test_all_of_it_goes_where_its_parameters_go(made):
    net, samples, told = made
    twice = deepcopy(net).double()
    assert {m.dtype for m in (*twice.levels.neighbours, *twice.levels.up)} == {torch.float64}
    other = MeshSamples(*(getattr(samples, f.name).double() for f in fields(samples)))
    moved, _ = twice(other, *(x.double() for x in told))
    torch.testing.assert_close(moved.float(), net(samples, *told)[0], atol=1e-5, rtol=1e-4)
    assert net.levels.up[0].dtype == torch.float32


def test_how_pictures_moved_one_side_is_known_on_the_other(made):
    net, samples, (places, moved, kept) = made
    torch.nn.init.normal_(net.last.weight, std=0.2)
    before, _ = net(samples, places, moved, kept)
    other = moved.clone()
    left = places[:, 0] > 0.05
    other[left] += 0.002
    after, _ = net(samples, places, other, kept)
    right = places[:, 0] < -0.05
    assert float((after - before)[right].detach().norm(dim=1).min()) > 1e-9
    doubted, _ = net(samples, places, moved, torch.zeros_like(kept))
    assert not torch.equal(doubted, before)
