"""Shapes that one action shows are one movement, and are told apart from no one."""

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien_training.rig.coverage.movements import ACTIONS, Movements

NAMES = ("mouthSmileLeft", "mouthSmileRight", "jawOpen", "lipBiteUp")
REGION = np.ones(12, np.bool_)


@pytest.fixture
def deltas():
    found = np.random.default_rng(0).normal(0, 1e-3, (4, 12, 3))
    found[0, 6:] = found[1, :6] = 0.0
    return found


def test_every_channel_has_one_action():
    channels = [name for names in ACTIONS.values() for name in names]
    assert sorted(channels) == sorted(ARKIT_CHANNELS)


def test_movements_are_sums_of_shapes_and_means_of_weights(deltas):
    movements = Movements(NAMES)
    assert movements.shapes == {
        "Open your mouth wide": ("jawOpen",),
        "Smile broadly with your lips closed": ("mouthSmileLeft", "mouthSmileRight"),
        "Show lip bite up": ("lipBiteUp",),
    }
    np.testing.assert_allclose(movements.deltas(deltas)[1], deltas[0] + deltas[1])
    np.testing.assert_allclose(movements.weights([[0.2, 0.6, 0.5, 0.1]]), [[0.5, 0.4, 0.1]])


def test_a_smile_of_both_sides_is_evidence_of_a_smile(deltas):
    t = np.linspace(0, 9, 300)
    smile, jaw = 0.5 - 0.5 * np.cos(2 * t), 0.5 - 0.5 * np.cos(3.1 * t)
    weights = np.stack([smile, smile, jaw, 0 * t], 1)
    deltas[0], deltas[1] = deltas[0] + 0.3 * deltas[1], deltas[1] + 0.3 * deltas[0]
    found = {c.name: c for c in Movements(NAMES).coverage(deltas, weights, REGION, 9.0)}
    assert found["Smile broadly with your lips closed"].verdict == "observed"
    assert found["Open your mouth wide"].verdict == "observed"
    assert found["Show lip bite up"].verdict == "unobserved"


def test_extent_is_a_root_mean_square(deltas):
    extent = Movements(NAMES).extent_mm(2 * deltas, REGION)
    expected = 2000 * np.sqrt(np.square(deltas[2]).sum(1).mean())
    assert extent["Open your mouth wide"] == pytest.approx(expected)
