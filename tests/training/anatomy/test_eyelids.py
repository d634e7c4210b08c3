"""Lids lie on the balls in every shape and meet in a blink, whatever a fit left."""

import numpy as np
import pytest
from support.eye_pixels import eye_pixels
from support.rough_rigs import rough_rig

from mien_training.anatomy.eyeballs import turn_eyeballs
from mien_training.anatomy.eyelids import fit_eyelids, lid_contacts
from mien_training.synthetic.personal_shapes import personal_deltas

HEADS = ["anny_head", "ict_head"]


def closed(template, neutral, deltas):
    names = template.shape_names
    return neutral + deltas[names.index("eyeBlinkLeft")] + deltas[names.index("eyeBlinkRight")]


@pytest.mark.parametrize("head", HEADS)
def test_noisy_lids_meet_without_a_gap_and_without_penetration(head, request):
    template = request.getfixturevalue(head)
    worst = []
    for seed in range(3):
        rough = turn_eyeballs(template, *rough_rig(template, seed, 0.003, 0.0015))
        before, done = lid_contacts(template, *rough), fit_eyelids(template, *rough)
        after = lid_contacts(template, *done)
        assert set(after) == {"eyeBlinkLeft", "eyeBlinkRight"}
        for name, contact in after.items():
            assert contact.gap_mm < 0.1, (seed, name)
            assert contact.penetration_mm < 0.01, (seed, name)
        worst.append(max(c.penetration_mm for c in before.values()))
        # And so it looks from in front.
        opened = eye_pixels(template, done[0])
        assert eye_pixels(template, closed(template, *done)) < 0.01 * opened, seed
        assert opened > 600
    assert max(worst) > 0.4  # there was something to do


@pytest.mark.parametrize("head", HEADS)
def test_persons_whose_eyes_are_wider_or_narrower_close_them(head, request):
    template, worst = request.getfixturevalue(head), []
    for seed in (1, 2):
        neutral = (template.vertices + template.identity.sample(seed)).astype(np.float32)
        person = neutral, personal_deltas(template, seed)
        before, done = lid_contacts(template, *person), fit_eyelids(template, *person)
        worst.append([max(c.gap_mm + c.penetration_mm for c in before.values())])
        for contact in lid_contacts(template, *done).values():
            assert contact.gap_mm < 0.1 and contact.penetration_mm < 0.01, seed
        opened = eye_pixels(template, done[0])
        assert opened > 0.9 * eye_pixels(template, neutral)
        assert eye_pixels(template, closed(template, *done)) < 0.01 * opened, seed
        np.testing.assert_array_equal(done[1][:, ~template.regions["skin"]],
                                      person[1][:, ~template.regions["skin"]])  # fmt: skip
    assert np.max(worst) > 1.5  # there was something to do


@pytest.mark.parametrize("head", HEADS)
def test_settled_lids_stay(head, request):
    template = request.getfixturevalue(head)
    rough = turn_eyeballs(template, *rough_rig(template, 5))
    once = fit_eyelids(template, *rough)
    for array, again in zip(once, fit_eyelids(template, *once), strict=True):
        np.testing.assert_allclose(again, array, atol=1e-6)


def test_what_one_eye_does_leaves_the_other_alone(anny_head):
    rough = turn_eyeballs(anny_head, *rough_rig(anny_head, 7))
    _, deltas = fit_eyelids(anny_head, *rough)
    for side, other in (("Left", -1), ("Right", -2)):
        centre = anny_head.joints[other].position
        near = np.linalg.norm(anny_head.vertices - centre, axis=1) < 0.02
        near &= anny_head.regions["skin"]
        names = (f"eyeBlink{side}", f"eyeLookDown{side}", f"eyeLookOut{side}")
        k = [anny_head.shape_names.index(name) for name in names]
        off, left = (np.abs(d[k] - anny_head.shape_deltas[k])[:, near] for d in (rough[1], deltas))
        assert off.max() > 1e-3 and np.median(left) < 1e-6 and left.max() < 1e-3


def test_lids_that_lie_and_meet_are_left_as_they_are(anny_head):
    own = turn_eyeballs(anny_head, anny_head.vertices, anny_head.shape_deltas)
    neutral, deltas = fit_eyelids(anny_head, *own)
    np.testing.assert_allclose(neutral, own[0], atol=1e-7)
    np.testing.assert_allclose(deltas, own[1], atol=1e-7)


def test_a_template_whose_blink_gapes_is_closed_and_nothing_else(ict_head):
    own = turn_eyeballs(ict_head, ict_head.vertices, ict_head.shape_deltas)
    gaping = lid_contacts(ict_head, *own)["eyeBlinkLeft"]
    assert gaping.gap_mm == pytest.approx(0.93, abs=0.05)
    neutral, deltas = fit_eyelids(ict_head, *own)
    assert lid_contacts(ict_head, neutral, deltas)["eyeBlinkLeft"].gap_mm == 0
    np.testing.assert_allclose(neutral, own[0], atol=1e-7)
    blinks = np.array([n.startswith("eyeBlink") for n in ict_head.shape_names])
    np.testing.assert_allclose(deltas[~blinks], own[1][~blinks], atol=1e-7)
    change = np.linalg.norm(deltas[blinks] - own[1][blinks], axis=2)
    assert 0.0009 < change.max() < 0.002


def test_only_skin_by_the_eyes_changes(anny_head):
    rough = turn_eyeballs(anny_head, *rough_rig(anny_head, 6))
    copies = [array.copy() for array in rough]
    neutral, deltas = fit_eyelids(anny_head, *rough)
    for array, copy in zip(rough, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    eyes = np.array([joint.position for joint in anny_head.joints[-2:]])
    away = np.linalg.norm(anny_head.vertices[:, None] - eyes, axis=2).min(1)
    far = (away > 0.03) | ~anny_head.regions["skin"]
    assert np.abs(deltas - rough[1]).max() > 1e-4
    np.testing.assert_array_equal(neutral[far], rough[0][far])
    np.testing.assert_array_equal(deltas[:, far], rough[1][:, far])


def test_floating_and_sunken_lids_are_laid_on_the_ball(anny_head):
    """An eyeball too small leaves its lids afloat, one too large comes through them."""
    eyes = anny_head.regions["eyes"]
    for size in (0.93, 1.05):
        neutral = anny_head.vertices.copy()
        for sign in (1, -1):
            ball = eyes & (neutral[:, 0] * sign > 0)
            middle = neutral[ball].mean(0)
            neutral[ball] = middle + size * (neutral[ball] - middle)
        rig = turn_eyeballs(anny_head, neutral, anny_head.shape_deltas)
        moved = np.linalg.norm(fit_eyelids(anny_head, *rig)[0] - neutral, axis=1)
        assert 3e-4 < moved.max() < 0.0015
