"""Knots where they are asked for: integrals of a rate, smooth in time."""

import pytest
import torch

from mien.errors import InputError
from mien_training.rig.model.knot_placement import KnotPlacement

TIMES = torch.tensor([0.0, 1.0, 1.5, 3.0], dtype=torch.float64)
RATE = torch.tensor([10.0, 10.0, 30.0, 5.0], dtype=torch.float64)


def test_a_uniform_placement_counts_knots():
    knots = KnotPlacement.uniform(1.0, 3.0, 10)
    place, rate = knots.at(torch.tensor([1.0, 1.25, 3.0, 9.0]))
    torch.testing.assert_close(place, torch.tensor([0.0, 2.5, 20.0, 20.0]))
    assert (rate == 10).all() and knots.controls == 23


def test_places_are_the_integral_of_the_rate():
    knots = KnotPlacement.of(TIMES, RATE)
    fine = torch.linspace(0, 3, 30001, dtype=torch.float64)
    place, rate = knots.at(fine)
    expected = torch.cumulative_trapezoid(rate, fine)
    torch.testing.assert_close(place[1:], expected, atol=1e-6, rtol=0)
    assert (place.diff() > 0).all() and knots.controls == int(place[-1].ceil()) + 3


def test_the_rate_is_the_slope_in_time():
    knots = KnotPlacement.of(TIMES, RATE)
    at = torch.tensor([0.2, 1.2, 1.49, 2.9], dtype=torch.float64, requires_grad=True)
    place, rate = knots.at(at)
    (slope,) = torch.autograd.grad(place.sum(), at)
    torch.testing.assert_close(slope, rate.detach())


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        (TIMES[:1], RATE[:1]),
        (TIMES.flip(0), RATE),
        (TIMES, RATE[:3]),
        (TIMES, 0 * RATE),
    ],
)
def test_what_is_no_placement_is_refused(times, rate):
    with pytest.raises(InputError, match="KnotPlacement"):
        KnotPlacement.of(times, rate)
