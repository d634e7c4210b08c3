"""Jumps of a tracker are told from quick motion."""

import numpy as np
import pytest

from mien_training.footage.track_jumps import track_jumps

RATE = 30.0
TIMES = np.arange(60) / RATE


@pytest.fixture
def nods():
    """(60, 478, 2) a face of 150 px that nods twice a second by a fifth of its size, with noise."""
    rng = np.random.default_rng(0)
    face = rng.uniform(-75, 75, (478, 2))
    path = 30 * np.sin(2 * np.pi * 2 * TIMES)
    return face + np.stack([0.3 * path, path], 1)[:, None] + rng.normal(0, 0.5, (60, 478, 2))


def test_quick_motion_is_no_jump(nods):
    assert not track_jumps(nods, TIMES).any()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_what_jumps_away_and_back_is_found(nods, length):
    nods[20 : 20 + length] += [60.0, -35.0]
    nods[40] = 0.4 * nods[40] + 80
    assert np.flatnonzero(track_jumps(nods, TIMES)).tolist() == [*range(20, 20 + length), 40]


def test_a_cut_is_no_jump(nods):
    nods[30:] += 120.0
    assert not track_jumps(nods, TIMES).any()


def test_frames_far_apart_tell_nothing(nods):
    nods[20] += 60
    assert not track_jumps(nods, 10 * TIMES).any()


def test_moving_scaling_and_noise_change_nothing(nods):
    nods[20] += 60
    expected = track_jumps(nods, TIMES)
    assert expected.any()
    np.testing.assert_array_equal(track_jumps(3.7 * nods - 900, TIMES + 5), expected)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_frames_are_believed(nods, count):
    assert not track_jumps(nods[:count], TIMES[:count]).any()
