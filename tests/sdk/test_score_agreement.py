"""Driven channels against the tracker's scores: running sums equal the whole correlation."""

import numpy as np
import pytest

from mien.channels import SCORE_NAMES
from mien.score_agreement import ScoreAgreement

NAMES = ("tongueOut", "browInnerUp", "jawOpen", "rigOwnExtra")


def agreement_of(brow, driven_brow, frames=200):
    found = ScoreAgreement(NAMES)
    scores = np.zeros((frames, len(SCORE_NAMES)), np.float32)
    scores[:, SCORE_NAMES.index("browInnerUp")] = brow
    channels = np.zeros((frames, len(NAMES)), np.float32)
    channels[:, 1] = driven_brow
    for row, driven in zip(scores, channels, strict=True):
        found.add(row, driven)
    return found


def test_a_channel_that_goes_the_other_way_is_named():
    rng = np.random.default_rng(0)
    wave = 0.5 + 0.3 * np.sin(np.arange(200) / 9)
    driven = 0.4 - 0.1 * wave + rng.normal(0, 0.05, 200)
    expected = float(np.corrcoef(wave, driven)[0, 1])
    found = agreement_of(wave, driven).contradicted()
    assert found == {"browInnerUp": pytest.approx(expected, abs=0.01)} and expected < -0.2


def test_channels_that_follow_or_hardly_move_are_not():
    wave = 0.5 + 0.3 * np.sin(np.arange(200) / 9)
    assert agreement_of(wave, 0.5 * wave).contradicted() == {}
    assert agreement_of(wave, 0.5 - 0.05 * wave).contradicted() == {}
    assert agreement_of(0.05 * wave, 1 - wave).contradicted() == {}


def test_a_few_frames_say_nothing():
    ramp = np.linspace(0, 1, 20)
    assert agreement_of(ramp, 1 - ramp, 20).contradicted() == {}


def test_only_channels_with_a_score_are_compared():
    assert ScoreAgreement(NAMES).names == ("browInnerUp", "jawOpen")
