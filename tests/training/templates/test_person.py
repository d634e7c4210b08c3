"""A person on disk is a template, with the eyes where theirs are."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.head import MATERIALS
from mien_training.templates import load_template
from mien_training.templates.person import person_template, read_person, write_person


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


def test_joints_follow_the_person(template):
    moved = template.vertices + np.float32([0.0, 0.01, 0.002])
    person = person_template(template, "eve", moved, 1.1 * template.shape_deltas)
    for old, new in zip(template.joints, person.joints, strict=True):
        shift = np.subtract(new.position, old.position)
        expected = [0, 0.01, 0.002] if old.name in ("leftEye", "rightEye") else [0, 0, 0]
        np.testing.assert_allclose(shift, expected, atol=1e-6)
    np.testing.assert_allclose(
        np.subtract(person.jaw_pivot, template.jaw_pivot), [0, 0.01, 0.002], atol=1e-6
    )
    assert person.name == "eve" and person.regions is template.regions


def test_round_trip_through_the_template_loader(template, tmp_path):
    person = person_template(
        template, "eve", template.vertices + np.float32(0.001), template.shape_deltas
    )
    skin = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    write_person(tmp_path, person, skin)
    again, materials = read_person(tmp_path)
    np.testing.assert_array_equal(again.vertices, person.vertices)
    np.testing.assert_array_equal(materials[MATERIALS.index("skin")].base_color, skin)
    assert load_template(str(tmp_path / "person.npz")).name == "eve"
    assert not list(tmp_path.glob(".*"))


def test_unfinished_and_damaged_folders_are_refused(tmp_path, template):
    with pytest.raises(InputError, match=r"person\.npz.*train rig"):
        read_person(tmp_path)
    write_person(tmp_path, template, None)
    (tmp_path / "skin.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"skin\.png"):
        read_person(tmp_path)
