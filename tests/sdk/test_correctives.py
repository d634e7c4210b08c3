"""Lips are never shut further than the jaw is open."""

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien.correctives import corrective_pairs, limit_correctives

PAIRS = corrective_pairs(ARKIT_CHANNELS)
CLOSE, JAW = ARKIT_CHANNELS.index("mouthClose"), ARKIT_CHANNELS.index("jawOpen")


def test_only_correctives_are_limited_and_the_input_stays():
    channels = np.full(52, 0.9, np.float32)
    channels[JAW] = 0.1
    limited = limit_correctives(channels, PAIRS)
    assert limited[CLOSE] == pytest.approx(0.15) and channels[CLOSE] == np.float32(0.9)
    changed = np.flatnonzero(limited != channels)
    assert changed.tolist() == [CLOSE]


@pytest.mark.parametrize("jaw", [0.0, 0.3, 1.0])
def test_what_is_below_stays(jaw):
    channels = np.zeros(52, np.float32)
    channels[JAW], channels[CLOSE] = jaw, 0.9 * jaw
    np.testing.assert_array_equal(limit_correctives(channels, PAIRS), channels)


def test_limiting_twice_is_limiting_once():
    channels = np.random.default_rng(0).random(52).astype(np.float32)
    once = limit_correctives(channels, PAIRS)
    np.testing.assert_array_equal(limit_correctives(once, PAIRS), once)


def test_a_corrective_without_its_jaw_is_free():
    assert corrective_pairs(["mouthClose", "cheekPuff"]) == ()
    assert corrective_pairs(["jawOpen", "mouthClose"]) == ((1, 0),)
