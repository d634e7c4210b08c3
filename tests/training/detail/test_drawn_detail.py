"""Drawn skin: older is deeper, a seed is a person, ages beyond life are refused."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.detail.drawn_detail import drawn_detail
from mien_training.head import rig_from_template
from mien_training.templates import load_template


@pytest.fixture(scope="module")
def head():
    template = load_template("anny")
    return template, *rig_from_template(template, "anny")


def test_age_deepens_and_a_seed_is_a_person(head, small_network):
    young, old, again = (drawn_detail(*head, age, 3, 128) for age in (0.1, 0.9, 0.9))
    assert old.maps[0].std() > 1.5 * young.maps[0].std()
    np.testing.assert_array_equal(old.maps, again.maps)
    assert all(np.array_equal(a, b) for a, b in zip(old.layers, again.layers, strict=True))


def test_ages_beyond_life_are_refused(head):
    with pytest.raises(InputError, match="age 2"):
        drawn_detail(*head, 2, 0, 128)
