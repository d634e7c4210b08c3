"""Channels to regions without a mesh: the neutral gives 0, the kept map is the better one."""

import numpy as np
import pytest

from mien.deform import blend
from mien_training.detail.wrinkle_network import (
    WrinkleNetwork,
    random_expressions,
    train_wrinkle_network,
)
from mien_training.detail.wrinkle_regions import REGION_NAMES
from mien_training.head.strong_expressions import full_on


@pytest.fixture(scope="module")
def trained(head_tension, one_thread):
    return train_wrinkle_network(head_tension, 0, 400)


def random_network(seed=0):
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(0, 0.3, s).astype(np.float32) for s in ((8, 5), (8, 8), (3, 8)))


def test_the_neutral_gives_exactly_0(trained, head_tension):
    channels = len(head_tension.gates.rig.shape_names)
    for network in (trained, WrinkleNetwork((*random_network(),), {})):
        count = network.layers[0].shape[1]
        assert count in (channels, 5)
        assert not network.weights(np.zeros((2, count), np.float32)).any()


def test_half_an_expression_is_half_the_weights_and_batches_equal_singles():
    network = WrinkleNetwork(random_network(), {})
    x = np.random.default_rng(1).uniform(0, 1, (6, 5)).astype(np.float32)
    whole = network.weights(x)
    assert np.abs(whole).max() < 1
    np.testing.assert_allclose(network.weights(0.5 * x), 0.5 * whole, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate([network.weights(r[None]) for r in x]), whole, atol=1e-6
    )
    assert np.abs(network.weights(1000 * x)).max() == 1


def test_it_is_much_better_than_nothing_on_what_it_has_not_seen(trained, head_tension):
    errors = trained.errors
    assert set(errors) == {"nothing", "linear", "network"}
    assert min(errors["linear"], errors["network"]) < 0.35 * errors["nothing"]
    layers = 1 if errors["linear"] <= errors["network"] else 3
    assert len(trained.layers) == layers
    rig = head_tension.gates.rig
    rows = random_expressions(full_on(rig), 60, 9)
    truth = head_tension.weights(blend(rig, rows))
    found = trained.weights(rows)
    assert found.shape == (60, len(REGION_NAMES)) and found.dtype == np.float32
    assert np.sqrt(((found - truth) ** 2).mean()) < 0.5 * np.sqrt((truth**2).mean())


def test_random_expressions_are_of_the_given_ones_and_of_the_seed():
    shapes = np.eye(7, dtype=np.float32)[:4]
    rows = random_expressions(shapes, 300, 5)
    assert rows.shape == (300, 7) and rows.min() >= 0 and rows.max() <= 1
    assert not rows[:, 4:].any() and (rows[:, :4] > 0).any(0).all()
    assert (rows > 0).sum(1).max() <= 4 and (rows > 0).sum(1).min() >= 1
    np.testing.assert_array_equal(rows, random_expressions(shapes, 300, 5))
    assert (rows != random_expressions(shapes, 300, 6)).any()
