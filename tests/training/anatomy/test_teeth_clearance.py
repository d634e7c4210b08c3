"""Teeth that stand in the lips go back until they do not, and no others move."""

from dataclasses import replace

import numpy as np
import pytest

from mien_training.anatomy.intersection_count import count_intersections
from mien_training.anatomy.jaw_and_teeth import RigidMouth, bind_to_jaw
from mien_training.geometry.self_intersection import self_intersections
from mien_training.head import MATERIALS
from mien_training.synthetic.personal_shapes import personal_deltas

HEADS = ["anny_head", "ict_head"]


def teeth_in_skin(template, vertices):
    """Pairs of a tooth's and the skin's triangles that cut each other."""
    teeth, skin = MATERIALS.index("teeth"), MATERIALS.index("skin")
    region = template.regions["teeth"]
    low, high = vertices[region].min(0) - 0.01, vertices[region].max(0) + 0.01
    near = ((vertices > low) & (vertices < high)).all(1)[template.triangles].any(1)
    material = template.triangle_material
    rows = (material == teeth) | ((material == skin) & near)
    pairs = material[rows][self_intersections(vertices, template.triangles[rows])]
    return int((pairs[:, 0] != pairs[:, 1]).sum())


def test_teeth_pushed_into_the_lips_come_out(ict_head):
    template = ict_head
    neutral = template.vertices.copy()
    neutral[template.regions["teeth"], 2] += 0.004
    done, deltas = bind_to_jaw(template, neutral, template.shape_deltas)
    usual, before, after = (teeth_in_skin(template, v) for v in (template.vertices, neutral, done))
    assert before > usual + 100
    assert after < usual + 0.1 * (before - usual)
    again, _ = bind_to_jaw(template, done, deltas)
    np.testing.assert_allclose(again, done, atol=1e-6)
    # Straight back, and upper and lower teeth together.
    inner = RigidMouth.of(template).inner
    moved = (done - neutral)[inner][template.regions["teeth"][inner]]
    np.testing.assert_allclose(moved, moved[:1].repeat(len(moved), 0), atol=1e-5)
    assert -0.0045 < moved[0, 2] < -0.002 and abs(moved[0, :2]).max() < 1e-4


@pytest.mark.parametrize("head", HEADS)
def test_teeth_behind_the_lips_stay(head, request):
    template = request.getfixturevalue(head)
    for back in (0.0, 0.002):
        neutral = template.vertices.copy()
        neutral[template.regions["teeth"], 2] -= back
        done, _ = bind_to_jaw(template, neutral, template.shape_deltas)
        teeth = template.regions["teeth"]
        np.testing.assert_allclose(done[teeth], neutral[teeth], atol=1e-6)


def test_people_of_the_model_whose_teeth_stand_in_their_lips(ict_head):
    """Rigid arches in the place of the bent ones of an identity, which follow the lips."""
    person = (
        (ict_head.vertices + ict_head.identity.sample(1)).astype(np.float32),
        personal_deltas(ict_head, 1),
    )
    done = bind_to_jaw(ict_head, *person)
    assert teeth_in_skin(ict_head, done[0]) < 0.5 * teeth_in_skin(ict_head, person[0])


def test_an_arch_torn_apart_counts_for_no_fewer_crossings(ict_head):
    """Neighbouring teeth stand in each other on the template: that says nothing of a fit."""
    torn = ict_head.vertices.copy()
    teeth = ict_head.regions["teeth"]
    torn[teeth] = torn[teeth].mean(0) + np.float32([1.05, 1, 1]) * (
        torn[teeth] - torn[teeth].mean(0)
    )
    k = [ict_head.shape_names.index("jawOpen")]

    template = replace(ict_head, shape_names=("jawOpen",), shape_deltas=ict_head.shape_deltas[k])
    own = template.vertices, template.shape_deltas
    count = count_intersections(template, own, (torn, template.shape_deltas))["neutral"]
    assert count.after >= count.before
