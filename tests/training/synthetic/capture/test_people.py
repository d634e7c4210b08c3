"""People leave the basis by what is asked; their shapes are those of synthetic people."""

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec, capture_person
from mien_training.synthetic.person import off_basis_neutral, personal_geometry

BARE = WearSpec(0, 0, 0, 0, 0, 0, 0)


@pytest.fixture(scope="module")
def person(anny):
    return capture_person(anny, 5, PeopleSpec(texture_side=32, shortest_m=0.05), BARE)


def test_some_shapes_are_those_that_all_shapes_would_be(anny, person):
    neutral, deltas = personal_geometry(anny, 5, 1.0, 0.0015)
    np.testing.assert_array_equal(person.neutral, neutral)
    names = ("mouthClose", "eyeBlinkRight", "browInnerUp", "eyeLookInLeft", "jawOpen")
    own = person.deltas(names)
    for name, delta in zip(names, own, strict=True):
        np.testing.assert_allclose(delta, deltas[anny.shape_names.index(name)], atol=1e-7)
    assert person.deltas(()).shape == (0, *neutral.shape)


def test_the_basis_cannot_make_them(anny):
    """What is left after the best of all identities is most of the field."""
    skin = np.flatnonzero(anny.regions["skin"])
    modes = anny.identity.modes[:, skin].reshape(len(anny.identity.modes), -1).T
    for seed in (1, 2):
        inside = off_basis_neutral(anny, seed, 0.0)
        outside = off_basis_neutral(anny, seed, 0.0015, 0.03)
        field = (outside - inside)[skin]
        rms = np.sqrt((field.astype(np.float64) ** 2).sum(1).mean())
        assert 0.0012 < rms < 0.0018
        offset = (outside - anny.vertices)[skin].reshape(-1)
        left = offset - modes @ np.linalg.lstsq(modes, offset, rcond=None)[0]
        assert np.sqrt((left.reshape(-1, 3) ** 2).sum(1).mean()) > 0.5 * rms
        exact = (inside - anny.vertices)[skin].reshape(-1)
        left = exact - modes @ np.linalg.lstsq(modes, exact, rcond=None)[0]
        assert np.abs(left).max() < 1e-6


def test_a_person_is_kept_and_a_function_of_their_seed(anny, person):
    again = capture_person(anny, 5, PeopleSpec(texture_side=32, shortest_m=0.05), BARE)
    assert again is person
    capture_person.cache_clear()
    anew = capture_person(anny, 5, PeopleSpec(texture_side=32, shortest_m=0.05), BARE)
    np.testing.assert_array_equal(anew.neutral, person.neutral)
    assert anew.look == person.look
    for a, b in zip(anew.materials, person.materials, strict=True):
        np.testing.assert_array_equal(a.base_color, b.base_color)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"off_basis_m": -0.1}, "off_basis_m"),
        ({"shortest_m": 0.2}, "shortest_m"),
        ({"shape_strength": float("nan")}, "shape_strength"),
        ({"texture_side": 4}, "texture_side"),
    ],
)
def test_values_out_of_range_are_refused(changes, field):
    with pytest.raises(InputError, match=field):
        replace(PeopleSpec(), **changes)


def test_unknown_shapes_and_templates_of_one_person_are_refused(anny, person):
    with pytest.raises(InputError, match="wiggleEars"):
        person.deltas(("wiggleEars",))
    with pytest.raises(InputError, match="one person only"):
        capture_person(replace(anny, identity=None), 5, PeopleSpec(), BARE)
