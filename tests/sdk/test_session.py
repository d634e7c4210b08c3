import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_animator import SmallAnimator

from mien.correctives import corrective_pairs, limit_correctives
from mien.errors import InputError
from mien.filters import OneEuroConfig, OneEuroState, one_euro
from mien.rotation import quaternion_from_rotation_vector, rotation_vector_from_quaternion
from mien.session import Observation, Session, SessionOptions, step_many
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import FeatureLayout, driver_features, estimate_neutral, subtract_neutral

LAYOUT = FeatureLayout(("scores", "head_rotation"))
F = LAYOUT.size
NAMES = ("jawOpen", "eyeBlinkLeft", "eyeLookUpLeft", "mouthClose")
ANIMATOR = SmallAnimator(F + 1, len(NAMES))
SEEDS = st.integers(0, 2**32 - 1)
NEUTRAL = np.random.default_rng(99).random(F).astype(np.float32) * 0.1


def make_session(neutral=NEUTRAL, animator=ANIMATOR, **options) -> Session:
    return Session(animator, LAYOUT, NAMES, SessionOptions(**options), neutral)


def make_take(seed: int = 0, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.random((count, F), np.float32)
    features[:, -3:] -= 0.5
    return features, 10 + np.cumsum(rng.uniform(0.02, 0.05, count))


def run(session: Session, features, times) -> np.ndarray:
    return np.array([session.step(x, t).channels for x, t in zip(features, times, strict=True)])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_frame_by_frame_equals_all_at_once(seed):
    features, times = make_take(seed)
    dt = np.diff(times, prepend=times[0] - 1 / 30) * 30 - 1
    x = np.column_stack([subtract_neutral(features, NEUTRAL, LAYOUT), dt]).astype(np.float32)
    at_once, _ = ANIMATOR.run(x[None], ANIMATOR.initial_state())
    pairs = corrective_pairs(NAMES)
    expected = [limit_correctives(row, pairs) for row in at_once[0]]
    np.testing.assert_allclose(run(make_session(), features, times), expected, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(2, 5))
def test_many_sessions_in_one_run_equal_single_ones(seed, count):
    takes = [make_take(seed + i) for i in range(count)]
    singles = [run(make_session(), *take) for take in takes]
    sessions = [make_session() for _ in takes]
    for step in range(len(takes[0][0])):
        frames = step_many(sessions, [f[step] for f, _ in takes], [t[step] for _, t in takes])
        for frame, single in zip(frames, singles, strict=True):
            np.testing.assert_allclose(frame.channels, single[step], atol=1e-6)


def test_many_sessions_need_one_run_and_lost_faces_none():
    animator = SmallAnimator(F + 1, len(NAMES))
    sessions = [make_session(animator=animator) for _ in range(4)]
    features, _ = make_take()
    frames = step_many(sessions, [features[0], None, features[1], None], [0.0] * 4)
    assert animator.runs == 1
    assert [frame.confidence for frame in frames] == [1, 0, 1, 0]
    step_many(sessions, [None] * 4, [1.0] * 4)
    assert animator.runs == 1


def test_one_bad_input_of_many_changes_no_session():
    sessions = [make_session(), make_session()]
    features, _ = make_take()
    before = [session.snapshot() for session in sessions]
    with pytest.raises(InputError, match="feature 3"):
        bad = features[1].copy()
        bad[3] = np.nan
        step_many(sessions, [features[0], bad], [0.0, 0.0])
    assert [session.snapshot() for session in sessions] == before
    sessions[0].check(features[0], 0.0)
    with pytest.raises(InputError, match="feature 3"):
        sessions[1].check(bad, 0.0)
    with pytest.raises(InputError, match="one step at a time"):
        step_many([sessions[0]] * 2, features[:2], [0.0, 1.0])
    with pytest.raises(InputError, match="share one"):
        other = make_session(animator=SmallAnimator(F + 1, len(NAMES)))
        step_many([sessions[0], other], features[:2], [0.0, 0.0])
    with pytest.raises(InputError, match="2 sessions, 1 sources"):
        step_many(sessions, features[:1], [0.0])


def test_a_face_track_gives_what_its_features_give():
    rng = np.random.default_rng(1)
    track = FaceTrack(
        face_id=0,
        presence=0.9,
        landmarks=rng.random((478, 3), np.float32),
        scores=rng.random(52, np.float32),
        deep=np.zeros(512, np.float32),
        deep_map=np.zeros(2048, np.float32),
        head_rotation_xyzw=quaternion_from_rotation_vector([0.1, -0.3, 0.2]).astype(np.float32),
        head_translation_m=np.array([0.1, 0.0, -0.6], np.float32),
        box=np.zeros(4, np.float32),
    )
    seen = make_session().step(track, 0.0)
    plain = make_session().step(
        driver_features(track, LAYOUT), 0.0, presence=0.9,
        head_translation_m=track.head_translation_m,
    )  # fmt: skip
    assert seen.confidence == plain.confidence and seen.time_s == plain.time_s
    for part in ("channels", "head_translation_m", "head_rotation_xyzw"):
        np.testing.assert_allclose(getattr(seen, part), getattr(plain, part), atol=1e-6)
    np.testing.assert_allclose(
        rotation_vector_from_quaternion(seen.head_rotation_xyzw), [0.1, -0.3, 0.2], atol=1e-6
    )
    lost = make_session().step(dataclasses.replace(track, presence=0.4), 0.0)
    assert lost.confidence == 0 and not lost.channels.any()


def test_a_frame_says_what_it_is():
    features, _ = make_take()
    frame = make_session().step(features[0], 3.5, presence=0.75)
    assert frame.time_s == 3.5 and frame.channel_names == NAMES
    assert frame["jawOpen"] == frame.channels[0] and frame.channels.dtype == np.float32
    assert frame.confidence == 0.75 and frame.detail.shape == (0,)
    np.testing.assert_allclose(
        rotation_vector_from_quaternion(frame.head_rotation_xyzw), features[0, -3:], atol=1e-6
    )
    assert frame.left_eye_xyzw[0] < 0 and frame.right_eye_xyzw[0] == 0  # eyeLookUpLeft alone


def test_the_time_step_reaches_the_network_within_limits():
    features, _ = make_take()
    answers = {}
    for dt_s in (1e-4, 1 / 240, 1 / 60, 1 / 30, 0.25, 0.9):
        session = make_session()
        session.step(features[0], 0.0)
        answers[dt_s] = session.step(features[1], dt_s).channels
    np.testing.assert_array_equal(answers[1e-4], answers[1 / 240])
    np.testing.assert_array_equal(answers[0.25], answers[0.9])
    assert len({answer.tobytes() for answer in answers.values()}) == 4


def test_a_lost_face_is_held_then_fades_whatever_the_frame_rate():
    features, _ = make_take()
    for rate_hz in (7, 30, 120):
        session = make_session(hold_s=0.25, decay_s=0.4)
        seen = session.step(features[0], 0.0)
        turn = rotation_vector_from_quaternion(seen.head_rotation_xyzw)
        for i in range(1, 3 * rate_hz):
            lost_s = i / rate_hz
            frame = session.step(None, lost_s)
            share = np.exp(-max(lost_s - 0.25, 0) / 0.4)
            np.testing.assert_allclose(frame.channels, share * seen.channels, atol=1e-6)
            np.testing.assert_allclose(
                rotation_vector_from_quaternion(frame.head_rotation_xyzw), share * turn, atol=1e-5
            )
            assert frame.confidence == pytest.approx(max(1 - lost_s / 0.25, 0))
        assert frame.channels.max() < 0.01 and frame.confidence == 0


def test_before_any_face_the_character_rests():
    frame = make_session().step(None, 0.0)
    assert not frame.channels.any() and frame.confidence == 0
    np.testing.assert_array_equal(frame.head_rotation_xyzw, [0, 0, 0, 1])


def test_a_short_loss_keeps_the_networks_memory_and_a_long_one_does_not():
    features, _ = make_take()
    fresh = make_session().step(features[5], 0.0).channels
    for away_s, remembers in ((0.5, True), (1.5, False)):
        session = make_session()
        run(session, features[:5], np.arange(5) / 30)
        session.step(None, 0.2)
        back = session.step(features[5], 4 / 30 + away_s).channels
        assert np.allclose(back, fresh) != remembers


def test_low_presence_is_no_face():
    features, _ = make_take()
    assert make_session().step(features[0], 0.0, presence=0.49).confidence == 0
    assert make_session(min_presence=0.2).step(features[0], 0.0, presence=0.49).confidence == 0.49


def test_smoothing_is_off_by_default_and_spares_blinks():
    features, times = make_take(count=20)
    plain = run(make_session(), features, times)
    config = OneEuroConfig(min_cutoff_hz=0.5, beta=0.0)
    smooth = run(make_session(smoothing=config), features, times)
    state, expected = None, []
    for i, row in enumerate(plain):
        out, state = one_euro(row, times[i] - times[i - 1], state, config)
        expected.append(out)
    blink = NAMES.index("eyeBlinkLeft")
    np.testing.assert_array_equal(smooth[:, blink], plain[:, blink])
    others = [i for i in range(len(NAMES)) if i != blink]
    np.testing.assert_allclose(smooth[:, others], np.array(expected)[:, others], atol=1e-6)
    assert not np.allclose(smooth, plain, atol=1e-3)


def test_with_smoothing_a_face_comes_back_without_a_jump():
    features, _ = make_take()
    config = OneEuroConfig(min_cutoff_hz=0.5, beta=0.0, blink_guard=False)
    session = make_session(smoothing=config)
    session.step(features[0], 0.0)
    shown = session.step(None, 0.9).channels
    back = session.step(features[1], 0.9 + 1 / 30).channels
    raw = make_session()
    raw.step(features[0], 0.0)
    target = raw.step(features[1], 0.9 + 1 / 30).channels
    expected, _ = one_euro(target, 1 / 30, OneEuroState.at(shown), config)
    np.testing.assert_allclose(back, expected, atol=1e-6)


def test_a_neutral_is_found_in_the_first_frames():
    features, times = make_take(count=12)
    session = make_session(neutral=None, calibration_frames=6)
    assert session.calibrating and session.neutral is None
    for i in range(12):
        frame = session.step(features[i], times[i])
        seen = min(i + 1, 6)
        np.testing.assert_array_equal(session.neutral, estimate_neutral(features[:seen], LAYOUT))
        assert frame.confidence == pytest.approx(seen / 6)
    assert not session.calibrating


def test_calibrating_again():
    features, times = make_take(count=8)
    session = make_session()
    session.step(features[0], times[0])
    session.calibrate(frames=2)
    assert session.calibrating
    for i in (1, 2):
        session.step(features[i], times[i])
    assert not session.calibrating
    np.testing.assert_array_equal(session.neutral, estimate_neutral(features[1:3], LAYOUT))
    session.calibrate(neutral=features[5])
    np.testing.assert_array_equal(session.neutral, features[5])
    assert session.step(features[6], times[6]).confidence == 1


def test_lost_faces_do_not_calibrate():
    features, _ = make_take()
    session = make_session(neutral=None, calibration_frames=2)
    session.step(None, 0.0)
    session.step(features[0], 0.1, presence=0.1)
    assert session.neutral is None


def test_features_may_come_with_the_neutral_taken_off():
    features, times = make_take()
    session = make_session(neutral=None, calibration_frames=0)
    taken_off = subtract_neutral(features, NEUTRAL, LAYOUT)
    np.testing.assert_allclose(
        run(session, taken_off, times), run(make_session(), features, times), atol=1e-6
    )


def test_reset_forgets_all_but_the_neutral():
    features, times = make_take()
    session = make_session()
    first = run(session, features, times)
    session.reset()
    np.testing.assert_array_equal(run(session, features, times), first)
    np.testing.assert_array_equal(session.neutral, NEUTRAL)


@pytest.mark.parametrize(
    ("source", "time_s", "message"),
    [
        (np.zeros(F - 1, np.float32), 1.0, r"shape \(54,\), expected \(55,\): scores 52"),
        (np.zeros((1, F), np.float32), 1.0, r"shape \(1, 55\)"),
        (np.full(F, np.inf, np.float32), 1.0, "feature 0 is inf"),
        ("face", 1.0, "features are"),
        (np.zeros(F, np.float32), np.nan, "time is nan"),
        (np.zeros(F, np.float32), 0.5, "times must increase"),
        (None, 0.5, "times must increase"),
        (np.zeros(F, np.float32), 0.25, "times must increase"),
        (Observation(np.zeros(F), presence=1.5), 1.0, "presence is 1.5"),
        (Observation(np.zeros(F), presence=np.nan), 1.0, "presence is nan"),
        (Observation(np.zeros(F), head_rotation_xyzw=np.zeros(3)), 1.0, "head_rotation_xyzw"),
        (Observation(np.zeros(F), head_translation_m=np.full(3, np.nan)), 1.0, "head_translation"),
    ],
)
def test_refused_inputs_leave_the_session_as_it_was(source, time_s, message):
    features, _ = make_take()
    session = make_session()
    session.step(features[0], 0.5)
    before = session.snapshot()
    with pytest.raises(InputError, match=message):
        session.step(source, time_s)
    assert session.snapshot() == before


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(0, 11), st.booleans(), st.booleans())
def test_a_restored_session_continues_to_the_bit(seed, after, smooth, calibrate):
    features, times = make_take(seed)
    made_with = {"smoothing": OneEuroConfig() if smooth else None, "calibration_frames": 4}
    neutral = None if calibrate else NEUTRAL
    first = make_session(neutral, **made_with)
    run(first, features[:after], times[:after])
    if seed % 2 and after:
        first.step(None, times[after - 1] + 0.001)
    token = first.snapshot()
    second = make_session(neutral, **made_with)
    second.restore(token)
    assert second.snapshot() == token
    np.testing.assert_array_equal(
        run(second, features[after:], times[after:]), run(first, features[after:], times[after:])
    )


@pytest.mark.parametrize(("hold_s", "decay_s"), [(0, 0.4), (0.25, 0), (0, 0)])
def test_holding_and_fading_may_take_no_time(hold_s, decay_s):
    features, _ = make_take()
    session = make_session(hold_s=hold_s, decay_s=decay_s)
    seen = session.step(features[0], 0.0)
    for lost_s in (0.1, 0.25, 0.5):
        frame = session.step(None, lost_s)
        held = lost_s <= hold_s
        fading = 0.0 if decay_s == 0 else np.exp(-(lost_s - hold_s) / decay_s)
        share = 1.0 if held else fading
        np.testing.assert_allclose(frame.channels, share * seen.channels, atol=1e-6)
        assert frame.confidence == pytest.approx(max(1 - lost_s / hold_s, 0) if hold_s else 0)


def test_the_network_does_not_check_the_features_again():
    features, _ = make_take()
    animator = SmallAnimator(F + 1, len(NAMES))

    def checked(*_):
        raise AssertionError("the network's own checks repeat the session's")

    animator.run = checked
    assert make_session(animator=animator).step(features[0], 0.0).confidence == 1


@pytest.mark.parametrize("value", [3e38, -1.1e6])
def test_features_that_could_overflow_are_refused(value):
    features, _ = make_take()
    features[0, 7] = value
    with pytest.raises(InputError, match=r"feature 7 is .*, expected finite values within"):
        make_session().step(features[0], 0.0)
    with pytest.raises(InputError, match="neutral: expected 55 finite values within"):
        make_session(neutral=features[0])


def test_a_closed_session_takes_no_step():
    features, _ = make_take()
    with make_session() as session:
        session.step(features[0], 0.0)
    session.close()
    with pytest.raises(InputError, match="closed"):
        session.step(features[1], 0.1)


def test_translations_are_numbers_whatever_is_unknown():
    features, _ = make_take()
    session = make_session()
    for i, seen in enumerate([None, features[0], None, Observation(features[1])]):
        frame = session.step(seen, i / 30)
        np.testing.assert_array_equal(frame.head_translation_m, np.zeros(3, np.float32))
