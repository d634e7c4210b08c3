"""Generated performances: in range, covering, repeatable, smooth."""

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.synthetic.performance import generate_performance, random_sparse_weights
from mien_training.synthetic.repertoire import EXPRESSIONS, LEAKS, OFTEN, OPPOSED, RESTING, VISEMES


@pytest.fixture(scope="module")
def takes():
    return [generate_performance(seed, 20.0) for seed in range(12)]


def test_values_are_weights_at_30_hz(takes):
    for take in takes:
        face = take.values[:, : len(ARKIT_CHANNELS)]
        assert face.shape == (600, 52)
        assert face.min() >= 0 and face.max() <= 1
        assert np.allclose(np.diff(take.times_s), 1 / 30)


def test_all_channels_are_covered(takes):
    reached = np.max([take.values[:, :52].max(0) for take in takes], axis=0)
    assert (reached > 0.5).all(), [ARKIT_CHANNELS[i] for i in np.flatnonzero(reached <= 0.5)]


def test_opposed_channels_never_act_together(takes):
    for take in takes:
        for a, b in OPPOSED:
            both = take.values[:, [take.names.index(a), take.names.index(b)]].min(1)
            assert both.max() == 0


def test_a_seed_is_a_performance(takes):
    again = generate_performance(3, 20.0)
    assert np.array_equal(again.values, takes[3].values)
    assert not np.array_equal(takes[2].values, takes[3].values)


def test_faces_move_smoothly(takes):
    """A blink closes in three frames; nothing on a face jumps from 0 to 1 in one."""
    for take in takes:
        assert np.abs(np.diff(take.values[:, :52], axis=0)).max() < 0.9
        head = take.values[:, 52:55]
        assert np.abs(np.diff(head, axis=0)).max() < 0.15  # radians in 1/30 s


def test_the_rate_changes_the_sampling_not_the_length():
    slow, fast = generate_performance(5, 4.0, 15.0), generate_performance(5, 4.0, 60.0)
    assert len(slow.times_s) == 60 and len(fast.times_s) == 240


def test_sparse_faces_are_sparse_repeatable_and_cover_everything():
    weights = random_sparse_weights(7, 800)
    assert np.array_equal(weights, random_sparse_weights(7, 800))
    active = (weights > 0).sum(1)
    assert active.min() >= 1 and np.median(active) < 16
    assert (weights.max(0) > 0.8).all()
    assert weights.min() >= 0 and weights.max() <= 1


def test_tables_name_real_channels():
    known = set(ARKIT_CHANNELS)
    for table in (EXPRESSIONS, VISEMES, LEAKS):
        for name, ranges in table.items():
            assert set(ranges) <= known, name
            assert all(0 <= low <= high <= 1 for low, high in ranges.values()), name
    assert set(LEAKS) | set(RESTING) | set(OFTEN) <= known


@pytest.mark.parametrize(("seconds", "rate"), [(0, 30), (-1, 30), (1, 0)])
def test_bad_lengths_are_refused(seconds, rate):
    with pytest.raises(InputError, match="expected both > 0"):
        generate_performance(1, seconds, rate)
