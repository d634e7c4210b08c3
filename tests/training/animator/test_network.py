"""The network alone, and against its exported graph."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.animator import Animator
from mien.errors import InputError
from mien.tracker.features import FeatureLayout
from mien_exporters.animator_onnx import animator_onnx
from mien_training.animator.network import COMPONENTS, AnimatorNetwork, NetworkConfig
from mien_training.networks.whitening import whiten

LAYOUT = FeatureLayout(("scores", "head_rotation"))
GROUPS = (*LAYOUT.names_and_sizes, ("dt", 1))
NAMES = ("jawOpen", "mouthSmileLeft", "mouthSmileRight")
SMALL = NetworkConfig(hidden=9, embed=11)


def frames(n: int, seed: int = 0) -> np.ndarray:
    """(n, 56) features that vary along few directions, with little noise, as faces do."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(0, 1, (12, 56))
    x = rng.normal(0, 1, (n, 12)) @ mixing + rng.normal(0, 0.05, (n, 56))
    return (x * np.linspace(0.01, 2, 56) + 0.3).astype(np.float32)


def network(config: NetworkConfig = SMALL, seed: int = 1) -> AnimatorNetwork:
    mean, projection = whiten(frames(500), GROUPS, COMPONENTS)
    net = AnimatorNetwork.from_statistics(mean, projection, NAMES, GROUPS, config, seed)
    return net.eval()


@torch.no_grad()
def test_frame_by_frame_equals_all_at_once() -> None:
    net, x = network(), torch.tensor(frames(80, 3)).reshape(2, 40, 56)
    whole, hn, cn = net(x, *net.initial_state(2))
    state, parts = net.initial_state(2), []
    for t in range(40):
        y, *state = net(x[:, t : t + 1], *state)
        parts.append(y)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.stack(state), torch.stack([hn, cn]), atol=1e-6, rtol=0)
    assert 0 <= whole.min() and whole.max() <= 1 and whole.std() > 0.02


@torch.no_grad()
def test_the_exported_graph_says_the_same() -> None:
    net, x = network(), frames(60, 4).reshape(2, 30, 56)
    graph = Animator(animator_onnx(net.export_weights(), 30.0, "CC0-1.0"), NAMES, LAYOUT)
    found, state = graph.run(x, graph.initial_state(2))
    expected, hn, cn = net(torch.tensor(x), *net.initial_state(2))
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(state.h, hn.numpy(), atol=1e-5, rtol=0)
    np.testing.assert_allclose(state.c, cn.numpy(), atol=1e-5, rtol=0)


@torch.no_grad()
def test_projecting_first_changes_nothing() -> None:
    net, x = network(), torch.tensor(frames(10, 5))[None]
    a = net(x, *net.initial_state(1))[0]
    b = net.forward_projected(net.project(x), *net.initial_state(1))[0]
    torch.testing.assert_close(a, b, atol=0, rtol=0)


@torch.no_grad()
def test_without_recurrence_frames_are_independent_and_the_size_is_the_same() -> None:
    still, moving = network(replace(SMALL, recurrent=False)), network()
    x = torch.tensor(frames(20, 6))[None]
    y = still(x, *still.initial_state(1))[0]
    order = torch.randperm(20, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(still(x[:, order], *still.initial_state(1))[0], y[:, order])
    reordered = moving(x[:, order], *moving.initial_state(1))[0]
    assert (reordered - moving(x, *moving.initial_state(1))[0][:, order]).abs().max() > 1e-3
    sizes = [
        sum(p.numel() for p in net.regression.recurrence.parameters()) for net in (still, moving)
    ]
    assert abs(sizes[0] / sizes[1] - 1) < 0.05
    with pytest.raises(InputError, match="only a recurrent one"):
        still.export_weights()


def test_the_seed_decides_and_torchs_own_state_stays() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    a, b, c = network(seed=1), network(seed=1), network(seed=2)
    torch.testing.assert_close(torch.rand(3), expected, atol=0, rtol=0)
    torch.testing.assert_close(a.regression.out.weight, b.regression.out.weight, atol=0, rtol=0)
    assert (a.regression.out.weight - c.regression.out.weight).abs().max() > 0.01


def test_noise_and_leak_are_of_training_only() -> None:
    net, x = network(), torch.tensor(frames(30, 8))[None]
    with torch.no_grad():
        net.regression.out.bias.fill_(-3.0)
    assert net(x, *net.initial_state(1))[0].max() == 0
    net.train()
    torch.manual_seed(0)
    first, second = (net(x, *net.initial_state(1))[0] for _ in range(2))
    assert (first - second).abs().max() > 1e-4
    first.sum().backward()  # a stuck channel still learns
    gradient = net.regression.out.bias.grad
    assert gradient is not None and gradient.abs().min() > 1
