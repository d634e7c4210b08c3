"""Settings out of range are refused, and certainty decides between observations."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.capture.morphable.morphable_fit import FitConfig, fit_model


def test_the_certain_half_wins():
    rng = np.random.default_rng(0)
    mean, basis = rng.standard_normal((30, 3)).astype(np.float32), np.zeros((1, 30, 3), np.float32)
    basis[0] = 0.1 * rng.standard_normal((30, 3))
    model = LinearHeads(mean, basis, np.ones(1))
    places = np.tile(mean, (2, 1)).astype(float), np.tile(basis[0], (2, 1))[..., None].astype(float)
    targets = np.concatenate([model.vertices([1.0]), model.vertices([-1.0])]).astype(float)
    for first, expected in ((1.0, 1), (1e-9, -1)):
        sure = np.repeat([first, 1.0 if first < 1 else 1e-9], 30)
        fit = fit_model(
            model, places, np.broadcast_to(np.eye(3), (60, 3, 3)), targets, sure, np.eye(4),
            FitConfig(scale_m=0.5),
        )  # fmt: skip
        assert np.sign(fit.coefficients[0]) == expected and abs(fit.coefficients[0]) > 0.9


@pytest.mark.parametrize(
    "wrong", [{"noise_m": 0}, {"scale_m": -1}, {"effective_points": 0}, {"steps": 0}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        FitConfig(**wrong)
