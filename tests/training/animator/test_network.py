"""The network alone, against its exported graph, and its whitening."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.animator import Animator
from mien.errors import InputError
from mien.tracker.features import FeatureLayout
from mien_exporters.animator_onnx import animator_onnx
from mien_training.animator.network import AnimatorNetwork, NetworkConfig, whiten

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
    mean, projection = whiten(frames(500), GROUPS)
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
    sizes = [sum(p.numel() for p in net.recurrence.parameters()) for net in (still, moving)]
    assert abs(sizes[0] / sizes[1] - 1) < 0.05
    with pytest.raises(InputError, match="only a recurrent one"):
        still.export_weights()


def test_the_seed_decides_and_torchs_own_state_stays() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    a, b, c = network(seed=1), network(seed=1), network(seed=2)
    torch.testing.assert_close(torch.rand(3), expected, atol=0, rtol=0)
    torch.testing.assert_close(a.out.weight, b.out.weight, atol=0, rtol=0)
    assert (a.out.weight - c.out.weight).abs().max() > 0.01


def test_noise_and_leak_are_of_training_only() -> None:
    net, x = network(), torch.tensor(frames(30, 8))[None]
    with torch.no_grad():
        net.out.bias.fill_(-3.0)
    assert net(x, *net.initial_state(1))[0].max() == 0
    net.train()
    torch.manual_seed(0)
    first, second = (net(x, *net.initial_state(1))[0] for _ in range(2))
    assert (first - second).abs().max() > 1e-4
    first.sum().backward()  # a stuck channel still learns
    assert net.out.bias.grad is not None and net.out.bias.grad.abs().min() > 1


def test_it_learns_what_a_single_frame_does_not_show() -> None:
    """The target is the input of the frame before: only memory can give it."""
    x = torch.tensor(np.random.default_rng(0).normal(0, 1, (16, 30, 2)).astype(np.float32))
    target = torch.zeros(16, 30, 1)
    target[:, 1:] = (x[:, :-1, :1] > 0).float()
    groups, config = (("scores", 1), ("dt", 1)), NetworkConfig(16, 16, True, 0.0, 0.0)
    errors = {}
    for recurrent in (True, False):
        net = AnimatorNetwork.from_statistics(
            np.zeros(2, np.float32), np.eye(2, dtype=np.float32), ("a",), groups,
            replace(config, recurrent=recurrent), 0,
        )  # fmt: skip
        optimiser = torch.optim.Adam(net.parameters(), 1e-2)
        for _ in range(120):
            optimiser.zero_grad()
            ((net(x, *net.initial_state(16))[0] - target) ** 2).mean().backward()
            optimiser.step()
        net.eval()
        with torch.no_grad():
            errors[recurrent] = float(((net(x, *net.initial_state(16))[0] - target) ** 2).mean())
    assert errors[True] < 0.1 and errors[False] > 0.2


def test_whitened_components_are_uncorrelated_and_no_larger_than_one() -> None:
    x = frames(4000)
    mean, projection = whiten(x, (("scores", 52), ("head_rotation", 3), ("dt", 1)), noise_floor=0.0)
    assert projection.shape == (56, 44)
    scores = ((x - mean) @ projection)[:, :12]
    np.testing.assert_allclose(np.cov(scores.T), np.eye(12), atol=2e-2)
    floored = (x - mean) @ whiten(x, GROUPS)[1]
    assert floored.std(axis=0).max() < 1.001
    # Past the twelve true directions there is noise alone, and the floor keeps it small.
    assert floored[:, 12:40].std(axis=0).max() < 0.5 < floored[:, :12].std(axis=0).min()


def test_whitening_keeps_groups_apart_and_units_out() -> None:
    x = frames(300)
    mean, projection = whiten(x, GROUPS)
    assert not projection[:52, 40:].any() and not projection[52:, :40].any()
    scaled, matrix = whiten(x * np.float32(100), GROUPS)
    np.testing.assert_allclose(scaled, mean * 100, rtol=1e-4)
    np.testing.assert_allclose(matrix * 100, projection, rtol=1e-3, atol=1e-3)


def test_what_never_varied_has_no_weight() -> None:
    x = frames(200)
    x[:, 55] = 0.25
    projection = whiten(x, GROUPS)[1]
    assert not projection[55].any() and np.isfinite(projection).all()


def test_whitening_refuses_what_does_not_fit() -> None:
    with pytest.raises(InputError, match=r"expected \(N, 55\)"):
        whiten(frames(9), LAYOUT.names_and_sizes)
    with pytest.raises(InputError, match=r"no number of components for \['dt'\]"):
        whiten(frames(9), GROUPS, {"scores": 3, "head_rotation": 3})
    bad = frames(9)
    bad[3, 3] = np.nan
    with pytest.raises(InputError, match="not finite"):
        whiten(bad, GROUPS)
