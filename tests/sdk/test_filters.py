import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import filters
from mien.errors import InputError
from mien.filters import (
    KEPT_FRAMES,
    MAX_CALIBRATION_FRAMES,
    NeutralEstimator,
    OneEuroConfig,
    OneEuroState,
    one_euro,
    one_euro_lag_s,
    smoothing_mask,
)
from mien.tracker.features import FeatureLayout, estimate_neutral

SEEDS = st.integers(0, 2**32 - 1)
LAYOUT = FeatureLayout(("scores", "head_rotation"))


DEFAULT = OneEuroConfig()


def smooth_all(values, times_s, config=DEFAULT):
    state, out, last = None, [], None
    for value, time_s in zip(values, times_s, strict=True):
        smooth, state = one_euro(value, 0.0 if last is None else time_s - last, state, config)
        out.append(smooth)
        last = time_s
    return np.array(out)


def test_the_first_value_passes_and_a_constant_stays():
    values = np.full((20, 3), 0.4, np.float32)
    np.testing.assert_array_equal(smooth_all(values, np.arange(20) / 30), values)


@given(
    st.floats(0.05, 5),
    st.floats(0.1, 10),
    st.floats(0, 5),
    st.sampled_from([24.0, 30.0, 60.0, 120.0]),
)
def test_a_ramp_is_late_by_exactly_the_stated_lag(speed, min_cutoff_hz, beta, rate_hz):
    config = OneEuroConfig(min_cutoff_hz, beta)
    lag_s = one_euro_lag_s(config, speed)
    times = np.arange(int(rate_hz * (3 + 12 * lag_s))) / rate_hz
    out = smooth_all((speed * times)[:, None].astype(np.float32), times, config)[-1, 0]
    assert times[-1] - out / speed == pytest.approx(lag_s, rel=0.02, abs=1e-3)


def test_the_lags_that_the_docstring_states():
    assert one_euro_lag_s(OneEuroConfig()) == pytest.approx(0.106, abs=5e-4)
    assert one_euro_lag_s(OneEuroConfig(), 2.0) == pytest.approx(0.023, abs=5e-4)


@given(SEEDS, st.floats(0.005, 0.2))
def test_output_lies_between_the_last_output_and_the_input(seed, dt_s):
    values = np.random.default_rng(seed).random((15, 4), np.float32)
    out = smooth_all(values, np.arange(15) * dt_s)
    low, high = np.minimum(out[:-1], values[1:]), np.maximum(out[:-1], values[1:])
    assert (out[1:] >= low - 1e-6).all() and (out[1:] <= high + 1e-6).all()


@given(SEEDS)
def test_channels_do_not_mix_and_state_is_all_there_is(seed):
    rng = np.random.default_rng(seed)
    values = rng.random((12, 3), np.float32)
    times = np.cumsum(rng.uniform(0.01, 0.1, 12))
    together = smooth_all(values, times)
    for c in range(3):
        np.testing.assert_array_equal(smooth_all(values[:, c : c + 1], times)[:, 0], together[:, c])
    state = None
    for i in range(12):
        fresh = None if state is None else OneEuroState(state.raw, state.smooth, state.speed)
        smooth, state = one_euro(values[i], times[i] - times[i - 1], fresh, OneEuroConfig())
        np.testing.assert_array_equal(smooth, together[i])


def test_noise_at_rest_shrinks_and_a_jump_arrives():
    rng = np.random.default_rng(0)
    times = np.arange(300) / 30
    noisy = (0.5 + rng.normal(0, 0.01, (300, 1))).astype(np.float32)
    assert smooth_all(noisy, times)[30:].std() < 0.6 * noisy[30:].std()
    jump = (times > 5)[:, None].astype(np.float32)
    out = smooth_all(jump, times)[:, 0]
    assert out[times > 5.3].min() > 0.9


def test_blinks_are_guarded_unless_told():
    names = ("eyeBlinkLeft", "jawOpen", "eyeBlinkRight")
    assert smoothing_mask(names, OneEuroConfig()).tolist() == [False, True, False]
    assert smoothing_mask(names, OneEuroConfig(blink_guard=False)).all()


@pytest.mark.parametrize(
    "bad",
    [{"min_cutoff_hz": 0}, {"beta": -1}, {"derivative_cutoff_hz": np.inf}, {"beta": np.nan},
     {"min_cutoff_hz": "1"}, {"beta": None}],
)  # fmt: skip
def test_impossible_settings(bad):
    with pytest.raises(InputError, match="One-Euro"):
        OneEuroConfig(**bad)


@pytest.mark.parametrize("dt_s", [0.0, -0.1, np.nan])
def test_time_must_increase(dt_s):
    with pytest.raises(InputError, match="dt_s"):
        one_euro(np.zeros(2), dt_s, OneEuroState.at(np.zeros(2, np.float32)), OneEuroConfig())


@given(SEEDS, st.integers(1, 8))
def test_calibration_uses_the_neutral_of_its_frames(seed, wanted):
    frames = np.random.default_rng(seed).random((wanted + 3, LAYOUT.size), np.float32)
    calibration = NeutralEstimator.start(wanted, LAYOUT)
    assert calibration.neutral is None and calibration.progress == 0 and not calibration.ready
    for i, frame in enumerate(frames):
        calibration = calibration.update(frame, LAYOUT)
        seen = min(i + 1, wanted)
        np.testing.assert_array_equal(calibration.neutral, estimate_neutral(frames[:seen], LAYOUT))
        assert calibration.progress == pytest.approx(seen / wanted)
        assert calibration.ready == (seen == wanted)


def test_calibration_prefers_the_face_at_rest():
    rng = np.random.default_rng(0)
    rest = rng.random(LAYOUT.size).astype(np.float32) * 0.1
    calibration = NeutralEstimator.start(20, LAYOUT)
    for i in range(20):
        frame = rest + rng.normal(0, 0.001, LAYOUT.size).astype(np.float32)
        if i % 3 == 0:  # an expression
            frame[:20] += 0.6
        calibration = calibration.update(frame, LAYOUT)
    np.testing.assert_allclose(calibration.neutral, rest, atol=0.02)


def test_a_given_neutral_is_ready_and_checked():
    neutral = np.arange(LAYOUT.size, dtype=np.float32)
    calibration = NeutralEstimator.given(neutral, LAYOUT)
    assert calibration.ready and calibration.progress == 1
    assert calibration.update(neutral * 2, LAYOUT) is calibration
    for bad in (neutral[1:], neutral * np.nan):
        with pytest.raises(InputError, match="neutral: expected 55 finite values"):
            NeutralEstimator.given(bad, LAYOUT)
    for wanted in (0, MAX_CALIBRATION_FRAMES + 1):
        with pytest.raises(InputError, match=f"{wanted}, expected 1 to 600"):
            NeutralEstimator.start(wanted, LAYOUT)


@pytest.mark.parametrize("count", [30, 120, KEPT_FRAMES, MAX_CALIBRATION_FRAMES])
def test_a_long_calibration_keeps_an_even_selection_and_costs_as_few_estimates(count, monkeypatch):
    frames = np.random.default_rng(0).random((count, LAYOUT.size), np.float32)
    sizes = []

    def counted(kept, layout):
        sizes.append(len(kept))
        return estimate_neutral(kept, layout)

    monkeypatch.setattr(filters, "estimate_neutral", counted)
    calibration = NeutralEstimator.start(len(frames), LAYOUT)
    reserved = calibration.reserved_bytes
    for frame in frames:
        assert calibration.frames.nbytes <= calibration.reserved_bytes == reserved
        calibration = calibration.update(frame, LAYOUT)
    assert calibration.ready and calibration.reserved_bytes == 0
    assert calibration.frames.base is None  # no view that keeps them in memory
    assert max(sizes) <= KEPT_FRAMES and sum(sizes) <= 7 * min(count, KEPT_FRAMES)
    expected = estimate_neutral(frames[:: -(-len(frames) // KEPT_FRAMES)], LAYOUT)
    np.testing.assert_array_equal(calibration.neutral, expected)
