"""The One-Euro filter for vectors: stated lag, no axis special."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien_training.capture.over_time.vector_filter import (
    FilterSettings,
    low_pass_share,
    one_euro_step,
)


def smoothed(values, dt_s, config):
    smooth, speed, out = values[0], np.zeros_like(values[0]), [values[0]]
    for last, now in pairwise(values):
        speed, cutoff = one_euro_step(now - last, dt_s, speed, config)
        smooth = smooth + low_pass_share(cutoff, dt_s) * (now - smooth)
        out.append(smooth)
    return np.array(out)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 2), st.floats(0.5, 10), st.floats(0, 20), st.floats(0, 0.3))
def test_a_steady_motion_is_late_by_the_stated_lag(speed, least_hz, beta, quiet):
    config = FilterSettings(least_hz, beta, quiet)
    lag_s = config.lag_s(speed)
    times = np.arange(int(60 * (3 + 15 * lag_s))) / 60
    way = np.array([0.6, 0.0, -0.8])
    out = smoothed(speed * times[:, None] * way, 1 / 60, config)[-1] @ way
    assert times[-1] - out / speed == pytest.approx(lag_s, rel=0.02, abs=1e-3)


def test_turning_the_world_turns_the_result():
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(0, 0.01, (40, 3)), 0)
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    config = FilterSettings(1.0, 50.0, 0.01)
    turned = smoothed(values @ turn.T, 1 / 30, config)
    np.testing.assert_allclose(turned, smoothed(values, 1 / 30, config) @ turn.T, atol=1e-12)


def test_a_constant_stays_exactly():
    values = np.full((10, 3), 0.123)
    np.testing.assert_array_equal(smoothed(values, 0.1, FilterSettings(1.0, 1.0)), values)


@pytest.mark.parametrize(
    "bad", [(0, 1), (1, -1), (1, np.nan), (1, 1, -1), (1, 1, 0, 0), (np.inf, 1)]
)
def test_impossible_settings(bad):
    with pytest.raises(InputError, match="expected"):
        FilterSettings(*bad)


@pytest.mark.parametrize("dt_s", [0.0, -1.0, np.nan])
def test_time_must_increase(dt_s):
    with pytest.raises(InputError, match="time must increase"):
        one_euro_step(np.zeros(3), dt_s, np.zeros(3), FilterSettings(1.0, 1.0))
