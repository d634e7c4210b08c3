"""Steps of many sessions in one go: as single steps, errors where they belong."""

import numpy as np
import pytest
from support.packages import FEATURE_SIZE, tiny_content
from support.service import NEUTRAL, take

import mien
from mien.errors import InputError
from mien.package import package_bytes
from mien.service.performers import Step, StepResult, run_steps
from mien.session import Observation


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


def test_vertices_come_where_they_are_wanted(characters):
    with_vertices, without = run_steps([step(characters[0], 0, True), step(characters[0], 0)])
    assert with_vertices.vertices.shape == characters[0].rig.vertices.shape
    assert without.vertices is None


def test_nothing_gives_nothing():
    assert run_steps([]) == []
