"""A step ends whole or not at all."""

import numpy as np
import pytest
from support.small_animator import SmallAnimator

from mien.errors import MienError
from mien.filters import OneEuroConfig
from mien.session import Session, SessionOptions, step_many
from mien.tracker.features import FeatureLayout

LAYOUT = FeatureLayout(("scores",))
NAMES = ("jawOpen", "eyeBlinkLeft", "mouthClose")
ANIMATOR = SmallAnimator(LAYOUT.size + 1, len(NAMES))
FEATURES = np.random.default_rng(0).random((2, LAYOUT.size), np.float32)
TIMES = (1.0, 1.04)


class FailingWrinkles:
    """A detail network of one region that fails at its calls number `fails`, counted from 1."""

    def __init__(self, *fails: int) -> None:
        self._fails, self._calls = fails, 0

    def weights(self, channels: np.ndarray) -> np.ndarray:
        self._calls += 1
        if self._calls in self._fails:
            raise MienError("detail: broken")
        return channels[:1].copy()


@pytest.mark.parametrize("lost", [False, True])
def test_a_step_whose_detail_fails_leaves_the_state_as_it_was(lost):
    options = SessionOptions(smoothing=OneEuroConfig(), calibration_frames=3)
    broken, sound = (
        Session(ANIMATOR, LAYOUT, NAMES, options, wrinkles=wrinkles)
        for wrinkles in (FailingWrinkles(2), FailingWrinkles())
    )
    for session in (broken, sound):
        session.step(FEATURES[0], TIMES[0])
    before, seen = broken.state, None if lost else FEATURES[1]
    snapshot = broken.snapshot()
    with pytest.raises(MienError, match="detail: broken"):
        broken.step(seen, TIMES[1])
    assert broken.state is before and broken.snapshot() == snapshot
    again, expected = broken.step(seen, TIMES[1]), sound.step(seen, TIMES[1])
    np.testing.assert_array_equal(again.channels, expected.channels)
    np.testing.assert_array_equal(again.detail, expected.detail)
    assert broken.snapshot() == sound.snapshot() != snapshot


def test_when_one_of_many_fails_none_has_changed():
    sessions = [
        Session(ANIMATOR, LAYOUT, NAMES, None, None, wrinkles)
        for wrinkles in (FailingWrinkles(), FailingWrinkles(1))
    ]
    before = [session.state for session in sessions]
    with pytest.raises(MienError, match="detail: broken"):
        step_many(sessions, FEATURES[:2], TIMES[:2])
    assert [session.state for session in sessions] == before
    assert len(step_many(sessions, FEATURES[:2], TIMES[:2])) == 2
