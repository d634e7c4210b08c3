"""Configurations that make no sense are refused."""

import pytest

from mien.errors import InputError
from mien_training.capture.polish import PolishConfig


@pytest.mark.parametrize(
    "bad",
    [
        {"side": 8}, {"shrink": ()}, {"shrink": (0,)}, {"shrink": (64,)}, {"steps": 0},
        {"rounds": 0},
        {"spread_m": 0.0}, {"evidence": -1.0}, {"most_m": float("inf")}, {"held_out": 1.0},
        {"darkest": 255.0}, {"most_disagreement": 0.0},
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match="PolishConfig"):
        PolishConfig(**bad)
