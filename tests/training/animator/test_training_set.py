"""Recordings become network input exactly as a session would feed them."""

import numpy as np
import pytest

from mien.errors import InputError
from mien.tracker.features import FeatureLayout, subtract_neutral
from mien_training.animator.dataset import ALL_GROUPS, DriverSequence
from mien_training.animator.training_set import (
    dt_column,
    network_input,
    split_recordings,
)

SIZE = FeatureLayout(ALL_GROUPS).size


def recording(frames: int, seed: int, sequence: bool = True) -> DriverSequence:
    rng = np.random.default_rng(seed)
    return DriverSequence(
        features=rng.normal(size=(frames, SIZE)).astype(np.float32),
        neutral=rng.normal(size=SIZE).astype(np.float32),
        weights=rng.random((frames, 52)).astype(np.float32),
        times_s=np.cumsum(rng.uniform(0.01, 0.1, frames)),
        sequence=sequence,
        identity_seed=-1,
    )


def test_groups_are_taken_by_name_and_neutral_is_subtracted():
    r = recording(9, 1)
    layout = FeatureLayout(("deep", "head_rotation"))
    x = network_input(r, layout.groups).x
    everything = FeatureLayout(ALL_GROUPS)
    whole = subtract_neutral(r.features, r.neutral, everything)
    assert np.array_equal(x[:, layout.slices["deep"]], whole[:, everything.slices["deep"]])
    # The head's rotation stays raw.
    rotation = r.features[:, everything.slices["head_rotation"]]
    assert np.array_equal(x[:, layout.slices["head_rotation"]], rotation)
    assert x.shape == (9, layout.size + 1)


def test_dt_is_zero_at_thirty_hertz_and_for_lone_frames():
    times = np.array([0.0, 1 / 30, 3 / 30, 3.5 / 30])
    assert np.allclose(dt_column(times, True), [0, 0, 1, -0.5], atol=1e-6)
    assert not dt_column(times, False).any()


def test_channels_are_taken_by_name():
    r = recording(5, 2)
    sequence = network_input(r, ("scores",), ("tongueOut", "jawOpen"))
    assert np.array_equal(sequence.weights, r.weights[:, [51, 17]])


def test_a_split_keeps_recordings_whole_and_repeats():
    kept, held = split_recordings(20, 0.25, 4)
    assert sorted([*kept, *held]) == list(range(20)) and len(held) == 5
    again = split_recordings(20, 0.25, 4)
    assert np.array_equal(kept, again[0]) and np.array_equal(held, again[1])
    with pytest.raises(InputError, match="too few"):
        split_recordings(3, 0.5, 0)
