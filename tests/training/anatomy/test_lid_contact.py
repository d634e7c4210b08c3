"""Closed eyes show no eyeball, on persons whose eyes are wider than the template's."""

from dataclasses import replace

import numpy as np
import pytest
from support.eye_pixels import eye_pixels

from mien_training.anatomy.lid_contact import lids_on_eyeballs
from mien_training.head import Template
from mien_training.synthetic.personal_shapes import personal_deltas
from mien_training.templates import load_template
from mien_training.templates.ict import build_ict

LIDS = ("eyeBlinkLeft", "eyeBlinkRight")


def blinking(template):
    """Without any other shapes, which take their time."""
    chosen = [template.shape_names.index(name) for name in LIDS]
    return replace(template, shape_names=LIDS, shape_deltas=template.shape_deltas[chosen])


@pytest.fixture(scope="module")
def anny() -> Template:
    return blinking(load_template("anny"))


def closed(neutral, deltas):
    return neutral + deltas[0] + deltas[1]


def person(template, seed):
    neutral = (template.vertices + template.identity.sample(seed)).astype(np.float32)
    return neutral, personal_deltas(template, seed)


def test_the_template_itself_is_left_as_it_is(anny):
    neutral, deltas = lids_on_eyeballs(anny, anny.vertices, anny.shape_deltas)
    np.testing.assert_allclose(neutral, anny.vertices, atol=1e-7)
    np.testing.assert_allclose(deltas, anny.shape_deltas, atol=1e-7)


def test_only_skin_by_the_eyes_changes_and_where_the_template_moves(anny):
    before = person(anny, 1)
    kept = before[0].copy(), before[1].copy()
    neutral, deltas = lids_on_eyeballs(anny, *before)
    for array, copy in zip(before, kept, strict=True):
        np.testing.assert_array_equal(array, copy)  # given arrays are not written to
    eyes = np.array([joint.position for joint in anny.joints[-2:]])
    away = np.linalg.norm(anny.vertices[:, None] - eyes, axis=2).min(1)
    far = (away > 0.03) | ~anny.regions["skin"]
    assert np.abs(deltas - before[1]).max() > 1e-3
    np.testing.assert_array_equal(neutral[far], before[0][far])
    np.testing.assert_array_equal(deltas[:, far], before[1][:, far])
    np.testing.assert_array_equal(deltas[~anny.shape_deltas.any(2)], 0)


def check_closed_eyes(template, seeds):
    """Closed eyes show as little of the eyeballs as the template's; returns that without help."""
    opened = eye_pixels(template, template.vertices)
    usual = eye_pixels(template, closed(template.vertices, template.shape_deltas))
    assert usual < 0.1 * opened
    helpless = []
    for seed in seeds:
        raw = person(template, seed)
        helpless.append((eye_pixels(template, closed(*raw)) - usual) / opened)
        neutral, deltas = lids_on_eyeballs(template, *raw)
        assert eye_pixels(template, closed(neutral, deltas)) < usual + 0.04 * opened, seed
        assert eye_pixels(template, neutral) > 0.9 * eye_pixels(template, raw[0])
    return helpless


def test_closed_eyes_are_closed(anny):
    check_closed_eyes(anny, range(1, 3))


def test_closed_eyes_are_closed_where_the_shapes_alone_would_gape(ict_folder):
    assert max(check_closed_eyes(blinking(build_ict(ict_folder)), range(1, 3))) > 0.1
