"""A cloud of Gaussians holds what it says, or is refused by name."""

import numpy as np
import pytest

from mien.avatar import Splats
from mien.errors import InputError


def fields(count=3, **other):
    return {
        "means": np.zeros((count, 3)),
        "rotations": np.tile([0, 0, 0, 1], (count, 1)),
        "scales": np.full((count, 3), 0.01),
        "opacities": np.full(count, 0.5),
        "colours": np.ones((count, 3)),
        **other,
    }


def test_arrays_become_float32_and_contiguous():
    splats = Splats(**fields(means=np.zeros((3, 6))[:, ::2]))
    for name in fields():
        array = getattr(splats, name)
        assert array.dtype == np.float32 and array.flags.c_contiguous
    assert len(splats) == 3


def test_a_cloud_may_be_empty():
    assert len(Splats(**fields(0))) == 0


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("means", np.zeros((3, 2)), r"means \(3, 2\), expected \(N, 3\)"),
        ("rotations", np.zeros((2, 4)), r"rotations \(2, 4\)"),
        ("opacities", np.zeros((3, 1)), r"opacities \(3, 1\), expected \(N\)"),
        ("colours", np.full((3, 3), np.nan), "colours must be finite"),
        ("scales", np.full((3, 3), np.inf), "scales must be finite"),
        ("scales", np.full((3, 3), -0.1), "scale of -0.1"),
        ("opacities", np.array([0.5, 1.5, 0.5]), r"opacities 0.5..1.5, expected 0..1"),
        ("opacities", np.array([0.5, -0.5, 0.5]), r"opacities -0.5"),
    ],
)
def test_wrong_fields_are_named(name, value, text):
    with pytest.raises(InputError, match=text):
        Splats(**fields(**{name: value}))
