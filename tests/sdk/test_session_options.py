import numpy as np
import pytest

from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.session_options import SessionOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[(name, value) for name in ("hold_s", "decay_s", "forget_s")
          for value in (-0.1, np.nan, np.inf)],
        ("min_presence", -0.1), ("min_presence", 1.1), ("min_presence", np.nan),
        ("calibration_frames", -1), ("calibration_frames", 601), ("calibration_frames", 2.5),
        ("calibration_frames", 4_000_000_000),
        ("smoothing", 0.5),
        *[(name, value) for name in ("hold_s", "decay_s", "forget_s", "min_presence")
          for value in (None, "1")],
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_name(name, value):
    with pytest.raises(InputError, match=f"{name} is"):
        SessionOptions(**{name: value})


def test_the_ends_of_the_ranges_are_taken():
    for name in ("hold_s", "decay_s", "forget_s", "calibration_frames"):
        assert getattr(SessionOptions(**{name: 0}), name) == 0
    SessionOptions(OneEuroConfig(), 600, 1.0)
    SessionOptions(min_presence=0)
