"""What goes together costs less than what does not, and slopes are those of the cost."""

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.rig.model.weight_prior import WeightPrior, WeightPriorConfig


@pytest.fixture(scope="module")
def prior():
    return WeightPrior.of(ARKIT_CHANNELS, WeightPriorConfig())


def cost(prior: WeightPrior, **shown: float) -> float:
    w = np.array([shown.get(name, 0.0) for name in ARKIT_CHANNELS])
    return float(0.5 * w @ (prior.precision + prior.opposed) @ w)


def test_it_is_a_proper_prior(prior):
    np.testing.assert_array_equal(prior.precision, prior.precision.T)
    assert np.linalg.eigvalsh(prior.precision).min() >= 1 - 1e-9
    np.testing.assert_array_equal(prior.opposed, prior.opposed.T)


def test_forces_are_slopes(prior):
    rng = np.random.default_rng(0)
    w, step = rng.random((1, 52)), 1e-5
    whole = prior.precision + prior.opposed
    for k in (0, 7, 30):
        ahead, behind = w.copy(), w.copy()
        ahead[0, k] += step
        behind[0, k] -= step
        slope = (0.5 * ahead @ whole @ ahead.T - 0.5 * behind @ whole @ behind.T) / (2 * step)
        np.testing.assert_allclose(prior.force(w)[0, k], -slope[0, 0], rtol=1e-6)


def test_opposed_shapes_cost_more_together_than_apart(prior):
    both = cost(prior, jawLeft=0.09, jawRight=0.09)
    apart = cost(prior, jawLeft=0.18) + cost(prior, jawRight=0.0)
    assert both > 5 * apart
    assert cost(prior, mouthSmileLeft=0.3, mouthFrownRight=0.3) < cost(
        prior, mouthSmileLeft=0.3, mouthFrownLeft=0.3
    )


def test_both_sides_cost_less_than_one_and_eyes_look_the_same_way(prior):
    assert cost(prior, mouthSmileLeft=0.4, mouthSmileRight=0.4) < cost(
        prior, mouthSmileLeft=0.8, mouthSmileRight=0.0
    )
    assert cost(prior, eyeLookOutLeft=0.5, eyeLookInRight=0.5) < cost(
        prior, eyeLookOutLeft=0.5, eyeLookOutRight=0.5
    )


def test_unknown_names_stand_for_themselves():
    alone = WeightPrior.of(["hornsUp", "tailLeft"], WeightPriorConfig(size_sigma=0.5))
    np.testing.assert_array_equal(alone.precision, 4 * np.eye(2))
    assert not alone.opposed.any()


@pytest.mark.parametrize("numbers", [{"size_sigma": 0.0}, {"sides_sigma": -1.0}, {"opposed": -1.0}])
def test_numbers_out_of_range(numbers):
    with pytest.raises(InputError, match=next(iter(numbers))):
        WeightPriorConfig(**numbers)
