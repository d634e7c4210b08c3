"""The model is monotone, finds its own numbers again, and says what share is within."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien_training.capture.trust.trust_model import DOUBTS, TrustModel, fit_trust

COUNT = len(DOUBTS)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, COUNT - 1), st.floats(0, 3))
def test_more_doubt_never_gives_more_confidence(seed, which, more):
    doubts = np.random.default_rng(seed).uniform(0, 2, COUNT)
    worse = doubts.copy()
    worse[which] += more
    model = TrustModel()
    assert model.confidence(worse) <= model.confidence(doubts)
    assert model.spread_m(worse) >= model.spread_m(doubts)
    assert 0 <= model.confidence(worse) <= 1


def drawn(model, count, seed=0):
    rng = np.random.default_rng(seed)
    doubts = rng.uniform(0, 1, (count, COUNT))
    mean = model.level + doubts @ np.array(model.slopes)
    return doubts, np.exp(mean + model.scatter * rng.standard_normal(count))


def test_a_fit_finds_the_numbers_and_confidence_is_the_share_within():
    model = TrustModel(-7.0, (1.5, 0.0, 0.5, 0.3, 0.2, 0.8, 0.0), scatter=0.5)
    found = fit_trust(*drawn(model, 20_000))
    assert found.level == pytest.approx(model.level, abs=0.05)
    np.testing.assert_allclose(found.slopes, model.slopes, atol=0.05)
    assert found.scatter == pytest.approx(model.scatter, abs=0.02)
    doubts, errors = drawn(model, 20_000, seed=1)
    confidence = found.confidence(doubts)
    for low in (0.1, 0.4, 0.7):
        inside = (confidence >= low) & (confidence < low + 0.2)
        assert (errors[inside] < 0.002).mean() == pytest.approx(confidence[inside].mean(), abs=0.04)
    assert errors.mean() == pytest.approx(found.spread_m(doubts).mean(), rel=0.05)


def test_what_is_not_known_counts_as_usual():
    model = fit_trust(*drawn(TrustModel(scatter=0.4), 500))
    doubts = drawn(model, 3)[0]
    filled = doubts.copy()
    doubts[:, 4:] = np.nan
    filled[:, 4:] = model.usual[4:]
    np.testing.assert_array_equal(model.confidence(doubts), model.confidence(filled))


def test_what_would_lower_errors_gets_no_slope():
    model = TrustModel(-7.0, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), scatter=0.3)
    doubts, errors = drawn(model, 2000)
    errors = errors * np.exp(-doubts[:, 2])
    found = fit_trust(doubts, errors)
    assert found.slopes[2] == 0 and found.slopes[0] > 0.8


def test_nonsense_is_refused():
    with pytest.raises(InputError, match="slopes"):
        TrustModel(slopes=(1.0,))
    with pytest.raises(InputError, match="slopes of 0"):
        TrustModel(slopes=(-1.0,) * COUNT)
    with pytest.raises(InputError, match="finite"):
        TrustModel().confidence(np.full(COUNT, np.inf))
    with pytest.raises(InputError, match="errors of 0"):
        fit_trust(np.zeros((9, COUNT)), -np.ones(9))
    with pytest.raises(InputError, match="more than"):
        fit_trust(np.zeros((2, COUNT)), np.ones(2))
