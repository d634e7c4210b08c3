"""Rigid parts follow the skin of a scanned head, and lids lie on the balls."""

import numpy as np
import pytest

from mien_training.anatomy.eyelids import fit_eyelids
from mien_training.rig.scan.carried_parts import carry_parts

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")


def carried(template, person, moved):
    expressions = [template.shape_names.index(name) for name in ("eyeBlinkLeft", "eyeBlinkRight")]
    weights = np.array([1.0, 0.5])
    return carry_parts(template, person, np.float32(moved), expressions, weights)


def test_the_template_itself_stays_but_for_its_lids(template):
    neutral, fitted, deltas = carried(template, template.vertices, np.zeros_like(template.vertices))
    expected, shapes = fit_eyelids(template, template.vertices, template.shape_deltas)
    np.testing.assert_allclose(neutral, expected, atol=1e-6)
    np.testing.assert_allclose(deltas, shapes, atol=1e-6)
    left, right = (
        template.shape_deltas[template.shape_names.index(f"eyeBlink{side}")]
        for side in ("Left", "Right")
    )
    np.testing.assert_allclose(fitted, template.vertices + left + 0.5 * right, atol=1e-6)


def test_a_shifted_skin_takes_everything_along(template):
    shift = np.float32([0.002, -0.004, 0.01])
    moved = np.tile(shift, (len(template.vertices), 1))
    still, _, _ = carried(template, template.vertices, 0 * moved)
    neutral, _, _ = carried(template, template.vertices, moved)
    np.testing.assert_allclose(neutral - still, moved, atol=3e-5)


def test_eyeballs_of_bent_people_are_round_again(template):
    person = template.vertices * np.float32([1.1, 0.95, 1.0])
    neutral, _, _ = carried(template, person, np.zeros_like(person))
    for sign in (1, -1):
        ball = template.regions["eyes"] & (sign * template.vertices[:, 0] > 0)
        shape, place = (v[ball] - v[ball].mean(0) for v in (template.vertices, neutral))
        scale = (place * shape).sum() / (shape * shape).sum()
        np.testing.assert_allclose(place, scale * shape, atol=1e-6)
        np.testing.assert_allclose(neutral[ball].mean(0), person[ball].mean(0), atol=1e-5)
