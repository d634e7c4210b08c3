"""Standard normal, smooth, and a function of the seed alone."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.smooth_field import SmoothField


def field(seed=0, channels=2, **options):
    return SmoothField(np.random.default_rng(seed), channels, **options)


def test_mean_and_variance_over_many_fields():
    at = np.array([[0.02, 0.1, 0.08]])
    values = np.concatenate([field(seed, 8)(at)[0] for seed in range(400)])
    assert abs(values.mean()) < 0.06
    assert values.std() == pytest.approx(1, abs=0.05)


def test_it_changes_over_a_wavelength_and_not_over_a_millimetre():
    rng = np.random.default_rng(3)
    here = rng.uniform(-0.1, 0.1, (500, 3))
    step = rng.standard_normal((500, 3))
    step /= np.linalg.norm(step, axis=1, keepdims=True)
    f = field(1, 4)
    assert np.abs(f(here + 0.001 * step) - f(here)).max() < 0.25
    assert np.corrcoef(f(here)[:, 0], f(here + 0.5 * step)[:, 0])[0, 1] < 0.3
    # Twice the wavelength: the same at twice the distance.
    wide = field(1, 4, shortest_m=0.14, longest_m=0.32)
    np.testing.assert_allclose(wide(2 * here), f(here), atol=1e-4)


def test_seeds_repeat_and_differ_and_channels_are_apart():
    at = np.random.default_rng(2).uniform(-0.2, 0.2, (3000, 3))
    np.testing.assert_array_equal(field(5)(at), field(5)(at))
    a, b = field(5)(at), field(6)(at)
    assert abs(np.corrcoef(a[:, 0], b[:, 0])[0, 1]) < 0.25
    assert abs(np.corrcoef(a[:, 0], a[:, 1])[0, 1]) < 0.25


@pytest.mark.parametrize(
    "options",
    [{"channels": 0}, {"shortest_m": 0.0}, {"shortest_m": 0.2, "longest_m": 0.1}],
)
def test_empty_ranges_are_refused(options):
    with pytest.raises(InputError, match="expected at least 1"):
        field(**options)


def test_points_of_another_shape_are_refused():
    with pytest.raises(InputError, match="points"):
        field()(np.zeros((4, 2)))
