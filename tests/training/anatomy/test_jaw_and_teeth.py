"""Upper teeth rest on the skull, lower ones swing with the chin, and neither bends."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.rough_rigs import rough_rig

from mien_training.anatomy.jaw_and_teeth import RigidMouth, bind_to_jaw
from mien_training.geometry.alignment import fit_alignment
from mien_training.templates.contact_pairs import contact_pairs


def arches(template):
    """Vertices of teeth on the skull and on the jaw."""
    mouth = RigidMouth.of(template)
    teeth = template.regions["teeth"][mouth.inner]
    return [mouth.inner[teeth & (mouth.on_jaw == side)] for side in (0, 1)]


def residual(source, target, align="rigid"):
    fitted = fit_alignment(source, target, align).points(source)
    return np.linalg.norm(fitted - target, axis=1).max()


@pytest.mark.parametrize("head", ["anny_head", "ict_head"])
def test_every_tooth_hangs_on_one_bone(head, request):
    template = request.getfixturevalue(head)
    upper, lower = arches(template)
    assert len(upper) + len(lower) == template.regions["teeth"].sum()
    pair = next(p for p in contact_pairs(template) if p.name == "teeth")
    assert set(np.flatnonzero(pair.first)) <= set(upper)
    assert set(np.flatnonzero(pair.second)) <= set(lower)


@pytest.mark.parametrize("head", ["anny_head", "ict_head"])
def test_noisy_teeth_become_rigid(head, request):
    template = request.getfixturevalue(head)
    given = rough_rig(template, 1)
    neutral, deltas = bind_to_jaw(template, *given)
    teeth, (upper, lower) = template.regions["teeth"], arches(template)
    assert residual(template.vertices[teeth], neutral[teeth], "similarity") < 1e-6
    gums = RigidMouth.of(template)
    skull = gums.inner[(gums.on_jaw == 0) & ~template.regions["tongue"][gums.inner]]
    np.testing.assert_array_equal(deltas[:, skull], 0)
    assert set(upper) <= set(skull)
    for k, name in enumerate(template.shape_names):
        assert residual(neutral[lower], neutral[lower] + deltas[k, lower]) < 1e-6
        moves = np.abs(deltas[k, lower]).max() > 0
        assert moves == (name.startswith("jaw") or name == "tongueOut"), name
    # All else is as given.
    rest = np.setdiff1d(np.arange(len(neutral)), gums.inner)
    np.testing.assert_array_equal(neutral[rest], given[0][rest])
    np.testing.assert_array_equal(deltas[:, rest], given[1][:, rest])


def test_a_rigid_template_comes_back_unchanged(anny_head):
    neutral, deltas = bind_to_jaw(anny_head, anny_head.vertices, anny_head.shape_deltas)
    np.testing.assert_allclose(neutral, anny_head.vertices, atol=1e-6)
    np.testing.assert_allclose(deltas, anny_head.shape_deltas, atol=1e-6)


def test_what_a_template_bends_by_less_than_a_third_of_a_millimetre_is_straightened(ict_head):
    neutral, deltas = bind_to_jaw(ict_head, ict_head.vertices, ict_head.shape_deltas)
    np.testing.assert_allclose(neutral, ict_head.vertices, atol=1e-6)
    assert 1e-5 < np.abs(deltas - ict_head.shape_deltas).max() < 3e-4


@pytest.mark.parametrize("share", [0.6, 1.0, 1.2])
def test_a_jaw_that_opens_wider_opens_the_teeth_wider(anny_head, share):
    """A chin that swings a share of the template's angle takes the teeth just as far."""
    mouth = RigidMouth.of(anny_head)
    k = anny_head.shape_names.index("jawOpen")
    swing = mouth.swings[k]
    vector = Rotation.from_matrix(swing.rotation).as_rotvec()
    pivot = np.linalg.pinv(np.eye(3) - swing.rotation) @ swing.translation
    v = anny_head.vertices.astype(np.float64)
    part = Rotation.from_rotvec(share * vector).apply(v - pivot) + pivot - v
    deltas = anny_head.shape_deltas.copy()
    slide = anny_head.shape_deltas[k, mouth.chin] - (swing.points(v) - v)[mouth.chin]
    deltas[k, mouth.chin] = part[mouth.chin] + slide
    _, found = bind_to_jaw(anny_head, anny_head.vertices, deltas)
    lower = arches(anny_head)[1]
    np.testing.assert_allclose(found[k, lower], part[lower], atol=4e-4)
    posed = anny_head.vertices[lower] + found[k, lower]
    turn = fit_alignment(anny_head.vertices[lower], posed).rotation
    angle = Rotation.from_matrix(turn).magnitude()
    assert angle == pytest.approx(share * np.linalg.norm(vector), rel=0.02)


def test_a_chin_that_goes_sideways_takes_the_teeth_along(anny_head):
    k = anny_head.shape_names.index("jawOpen")
    mouth = RigidMouth.of(anny_head)
    deltas = anny_head.shape_deltas.copy()
    deltas[k, mouth.chin, 0] += 0.003
    _, found = bind_to_jaw(anny_head, anny_head.vertices, deltas)
    lower = arches(anny_head)[1]
    change = found[k, lower] - anny_head.shape_deltas[k, lower]
    np.testing.assert_allclose(change, np.tile([0.003, 0, 0], (len(lower), 1)), atol=1e-5)


def test_a_bigger_head_has_bigger_teeth_and_the_same_angles(anny_head):
    bigger = 1.1 * anny_head.vertices, 1.1 * anny_head.shape_deltas
    neutral, deltas = bind_to_jaw(anny_head, *bigger)
    np.testing.assert_allclose(neutral, bigger[0], atol=1e-6)
    np.testing.assert_allclose(deltas, bigger[1], atol=2e-6)


def test_a_tongue_comes_out_as_far_as_the_persons(anny_head):
    k = anny_head.shape_names.index("tongueOut")
    tongue = anny_head.regions["tongue"]
    deltas = anny_head.shape_deltas.copy()
    deltas[k] *= 0.7
    deltas[k, tongue] += np.random.default_rng(0).normal(0, 1e-3, (tongue.sum(), 3))
    _, found = bind_to_jaw(anny_head, anny_head.vertices, deltas.astype(np.float32))
    usual = 0.7 * anny_head.shape_deltas[k, tongue]
    np.testing.assert_allclose(found[k, tongue], usual, atol=1e-3)


def test_without_jaw_or_teeth_nothing_changes(anny_head):
    given = rough_rig(anny_head, 2)
    regions = {**anny_head.regions, "teeth": np.zeros(len(anny_head.vertices), bool)}
    names = tuple(n.replace("jawOpen", "jawOther") for n in anny_head.shape_names)
    for poor in (replace(anny_head, regions=regions), replace(anny_head, shape_names=names)):
        for array, same in zip(bind_to_jaw(poor, *given), given, strict=True):
            np.testing.assert_array_equal(array, same)


def test_teeth_that_hardly_move_with_the_jaw_are_left_alone(anny_head):
    """Noise of an exported file is no swing of the jaw."""
    deltas = anny_head.shape_deltas.copy()
    teeth, jaw = anny_head.regions["teeth"], anny_head.shape_names.index("jawOpen")
    deltas[:, teeth] = 0
    deltas[jaw, teeth] = (
        9e-5
        * anny_head.shape_deltas[jaw, teeth]
        / (np.abs(anny_head.shape_deltas[jaw, teeth]).max())
    )
    still = replace(anny_head, shape_deltas=deltas)
    for array, same in zip(
        bind_to_jaw(still, still.vertices, deltas), (still.vertices, deltas), strict=True
    ):
        np.testing.assert_array_equal(array, same)
