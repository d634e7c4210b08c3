"""A result is whole, finite and rigid, or is refused."""

from dataclasses import replace

import numpy as np
import pytest
from support.captured_takes import CodedPredictor, ring_of_cameras

from mien.errors import InputError
from mien_training.footage.captured import MomentSightings


@pytest.fixture
def result(head_template):
    images = [np.full((8, 8, 3), c, np.uint8) for c in range(3)]
    return CodedPredictor(head_template).predict(images, ring_of_cameras(), None)


@pytest.mark.parametrize(
    ("field", "change", "told"),
    [
        ("confidence", lambda v: v[:-1], "shape"),
        ("vertices", lambda v: v * np.nan, "finite"),
        ("world_from_head", lambda v: v @ np.diag([1, 1, -1, 1]), "rotation and a shift"),
        ("world_from_head", lambda v: v * 1.1, "rotation and a shift"),
        ("spread_m", lambda v: v[:-1], "shape"),
    ],
)
def test_what_is_no_result(result, field, change, told):
    with pytest.raises(InputError, match=rf"MomentResult\.{field}: .*{told}"):
        replace(result, **{field: change(getattr(result, field))})


def test_cameras_may_see_nothing(result):
    assert replace(result, sightings=MomentSightings.none()).failure == ""
