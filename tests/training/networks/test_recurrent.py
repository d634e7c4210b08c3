"""Memory in an argument, and a regression that begins as a linear map."""

import numpy as np
import pytest
import torch

from mien_training.networks.recurrent import FramewiseLayer, RecurrentLayer, RecurrentRegression


def noise(*shape: int) -> torch.Tensor:
    return torch.tensor(np.random.default_rng(0).normal(0, 1, shape).astype(np.float32))


@torch.no_grad()
def test_a_layer_fed_frame_by_frame_is_the_layer_fed_at_once():
    layer, x = RecurrentLayer(5, 7), noise(2, 12, 5)
    h, c = torch.zeros(1, 2, 7), torch.zeros(1, 2, 7)
    whole, hn, cn = layer.step(x, h, c)
    parts = []
    for t in range(12):
        out, h, c = layer.step(x[:, t : t + 1], h, c)
        parts.append(out)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-6, rtol=0)
    torch.testing.assert_close((h, c), (hn, cn), atol=1e-6, rtol=0)


def test_a_layer_begins_by_remembering():
    """torch keeps two biases a gate, which add up; the second of four gates forgets."""
    layer = RecurrentLayer(5, 7)
    assert (layer.get_parameter("bias_ih_l0")[7:14] == 1).all()
    assert layer.get_parameter("bias_ih_l0")[:7].abs().max() < 1


@torch.no_grad()
def test_a_framewise_layer_has_no_memory_and_about_the_same_size():
    layer, x = FramewiseLayer(50, 20), noise(1, 9, 50)
    h, c = noise(1, 1, 20), noise(1, 1, 20)
    out, hn, cn = layer.step(x, h, c)
    assert hn is h and cn is c
    torch.testing.assert_close(layer.step(x.flip(1), h, c)[0], out.flip(1))
    sizes = [sum(p.numel() for p in m.parameters()) for m in (layer, RecurrentLayer(50, 20))]
    assert abs(sizes[0] / sizes[1] - 1) < 0.05


@torch.no_grad()
def test_it_begins_near_the_best_linear_map():
    x, mix = noise(200, 6), noise(6, 3)
    y = x @ mix + 0.5
    network = RecurrentRegression(6, 3, embed=8, hidden=4)
    network.start_from_ridge(x, y, penalty=1e-6)
    torch.testing.assert_close(network.skip.weight, mix.T, atol=1e-4, rtol=0)
    torch.testing.assert_close(network.out.bias, torch.full((3,), 0.5), atol=1e-4, rtol=0)
    network.eval()
    found = network(x[None], *network.initial_state(1))[0][0]
    assert (found - y).abs().max() < 0.2 < y.std()


@pytest.mark.parametrize("recurrent", [True, False])
def test_only_memory_learns_what_a_single_frame_does_not_show(recurrent):
    """The target is the sign of the input of the frame before."""
    x = noise(16, 30, 2)
    target = torch.zeros(16, 30, 1)
    target[:, 1:] = (x[:, :-1, :1] > 0).float()
    torch.manual_seed(0)
    network = RecurrentRegression(2, 1, embed=16, hidden=16, recurrent=recurrent)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(120):
        optimiser.zero_grad()
        ((network(x, *network.initial_state(16))[0] - target) ** 2).mean().backward()
        optimiser.step()
    with torch.no_grad():
        error = float(((network(x, *network.initial_state(16))[0] - target) ** 2).mean())
    assert error < 0.1 if recurrent else error > 0.2
