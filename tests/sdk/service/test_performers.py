"""Steps of many sessions in one go: as single steps, errors where they belong."""

import numpy as np
import pytest
from support.packages import FEATURE_SIZE, tiny_content
from support.service import NEUTRAL, take

import mien
from mien.errors import InputError, MienError
from mien.package import package_bytes
from mien.service import background
from mien.service.limits import Limits, ServerBudgets
from mien.service.performers import Performers, Step, StepResult, run_steps
from mien.service.statuses import LimitError
from mien.session import Observation, Session, SessionOptions


@pytest.fixture(scope="module")
def characters(registry):
    """The sphere, and another character with a network of its own."""
    other = mien.load(package_bytes(*tiny_content()))
    assert other.animator is not registry["Sphere"].character.animator
    return (registry["Sphere"].character, other)


def step(character, seed, vertices=False):
    features, time_s = take(1, seed)[0]
    session = character.session(neutral=NEUTRAL)
    return Step(session, Observation(features), time_s, character.rig if vertices else None)


def test_steps_of_several_characters_keep_their_order(characters):
    order = [0, 1, 0, 0, 1, 1, 0]
    together = run_steps([step(characters[c], seed) for seed, c in enumerate(order)])
    for seed, c in enumerate(order):
        (alone,) = run_steps([step(characters[c], seed)])
        assert isinstance(alone, StepResult) and isinstance(together[seed], StepResult)
        np.testing.assert_allclose(together[seed].frame.channels, alone.frame.channels, atol=1e-6)


def test_a_bad_step_spoils_no_other(characters):
    good = [step(characters[0], seed) for seed in range(3)]
    expected = [run_steps([step(characters[0], seed)])[0] for seed in range(3)]
    bad = Step(characters[0].session(), Observation(np.full(FEATURE_SIZE, np.nan, np.float32)), 1.0)
    first, failed, *rest = run_steps([good[0], bad, *good[1:]])
    assert isinstance(failed, InputError)
    for got, want in zip([first, *rest], expected, strict=True):
        np.testing.assert_allclose(got.frame.channels, want.frame.channels, atol=1e-6)


def test_a_broken_detail_network_spoils_no_other(characters):
    class Broken:
        def weights(self, channels):
            raise MienError("detail: broken")

    sphere, other = characters
    session = Session(sphere.animator, sphere.layout, sphere.channel_names, None, NEUTRAL, Broken())
    features, time_s = take(1)[0]
    broken = Step(session, Observation(features), time_s)
    before = session.state
    first, failed, last = run_steps([step(sphere, 0), broken, step(other, 1)])
    assert isinstance(first, StepResult) and isinstance(last, StepResult)
    assert isinstance(failed, MienError) and session.state is before


def test_a_broken_avatar_leaves_the_session_as_it_was(characters):
    class Broken:
        def of_frame(self, frame):
            raise MienError("avatar: broken")

    features, time_s = take(1)[0]
    session = characters[0].session(neutral=NEUTRAL)
    before = session.state
    (failed,) = run_steps([Step(session, Observation(features), time_s, None, Broken())])
    assert isinstance(failed, MienError) and session.state is before
    (again,) = run_steps([Step(session, Observation(features), time_s)])
    (alone,) = run_steps([step(characters[0], 0)])
    np.testing.assert_allclose(again.frame.channels, alone.frame.channels, atol=1e-6)


def test_vertices_come_where_they_are_wanted(characters):
    with_vertices, without = run_steps([step(characters[0], 0, True), step(characters[0], 0)])
    assert with_vertices.vertices.shape == characters[0].rig.vertices.shape
    assert without.vertices is None


def test_nothing_gives_nothing():
    assert run_steps([]) == []


FRAME_BYTES = 4 * FEATURE_SIZE


def performers(registry, budgets, calibration_frames=4, limit=4):
    """Performers of the sphere whose steps run where they are asked for."""

    class AtOnce:
        async def step(self, job):
            (result,) = run_steps([job])
            return result

    return Performers(
        registry["Sphere"],
        AtOnce(),
        limit,
        budgets,
        SessionOptions(calibration_frames=calibration_frames),
    )


def step_all(group, names, time_s):
    seen = {name: Observation(NEUTRAL) for name in names}
    background.run(group.step(seen, time_s))


def test_calibrations_are_charged_until_they_are_ready_or_their_performer_is_gone(registry):
    budgets = ServerBudgets(Limits())
    group = performers(registry, budgets)

    def spent():
        return budgets.calibration_bytes.spent / FRAME_BYTES

    step_all(group, "ab", 1.0)
    assert spent() == 2 * 4
    step_all(group, "a", 2.0)
    step_all(group, "a", 3.0)
    step_all(group, "a", 4.0)
    assert spent() == 4  # a is ready
    group.calibrate({}, ["a", "c"], 120)
    assert spent() == 4 + 2 * 120
    group.calibrate({"c": NEUTRAL}, [], 120)
    assert spent() == 4 + 120
    group.calibrate({}, ["a"], 600)  # of which every fifth is kept
    assert spent() == 4 + 120
    step_all(group, "defg", 5.0)  # in the place of a, b and c
    assert spent() == 4 * 4
    group.close()
    assert budgets.calibration_bytes.spent == budgets.performers.spent == 0


def test_calibrations_of_all_sessions_together_are_limited(registry):
    budgets = ServerBudgets(Limits(max_calibration_bytes=10 * FRAME_BYTES))
    one, two = performers(registry, budgets), performers(registry, budgets)
    step_all(one, "ab", 1.0)
    with pytest.raises(LimitError, match="calibration of performer 'c': needs 880 bytes of calib"):
        step_all(two, "c", 1.0)
    with pytest.raises(LimitError, match="calibration of performer 'a'"):
        one.calibrate({}, ["a"], 7)
    two.close()
    one.close()
    assert budgets.calibration_bytes.spent == budgets.performers.spent == 0


def test_a_restored_calibration_is_charged_and_limited(registry):
    budgets = ServerBudgets(Limits())
    one, two, three = (performers(registry, budgets) for _ in range(3))
    one.calibrate({}, ["a"], 600)
    token = one.token(1 << 20)
    one.close()
    two.restore(token, 600)
    assert budgets.calibration_bytes.spent == 120 * FRAME_BYTES
    with pytest.raises(InputError, match="watches 600 frames, expected at most 120"):
        three.restore(token, 120)
    three.close()
    two.close()
    assert budgets.calibration_bytes.spent == budgets.performers.spent == 0


def test_a_token_that_would_be_too_large_is_not_packed(registry, monkeypatch):
    group = performers(registry, ServerBudgets(Limits()))
    step_all(group, "ab", 1.0)
    size = len(group.token(1 << 20))
    assert len(group.token(size)) == size
    monkeypatch.setattr(mien.Session, "snapshot", lambda session: pytest.fail("was packed"))
    assert group.token(size - 1) == b""
