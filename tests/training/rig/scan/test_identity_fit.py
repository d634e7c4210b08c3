"""The nearest of the template's people: identity, pose and lids of a scan in closed form."""

from dataclasses import replace

import numpy as np
import pytest
from support.scans import known_landmarks, known_scan

from mien_training.metrics.mesh_errors import vertex_errors_mm
from mien_training.rig.scan.identity_fit import fit_person, template_at_landmarks
from mien_training.rig.scan.scan_target import ScanTarget, attraction
from mien_training.templates.regions import face_region

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")


@pytest.fixture(scope="module")
def known(template):
    """One of the template's own people, asleep."""
    return known_scan(template, bump_m=0.0, blink=1.0)


def fitted(template, known, **options):
    expressions = [template.shape_names.index(name) for name in BLINKS]
    attracted = attraction(template, template.vertices)
    found = known_landmarks(template, known)
    target = ScanTarget(known.scan)
    return fit_person(template, found, target, attracted, expressions, **options)


@pytest.fixture(scope="module")
def person(template, known):
    return fitted(template, known)


def test_one_of_the_templates_own_people_comes_back(template, known, person):
    face = face_region(template)
    error = np.median(vertex_errors_mm(person.neutral, known.neutral, face, "rigid"))
    mean = np.median(vertex_errors_mm(template.vertices, known.neutral, face, "rigid"))
    assert error < 0.4 and error < 0.3 * mean


def test_lids_that_touch_are_a_blink(template, person):
    assert person.weights.min() > 0.9
    shown = np.tensordot(
        person.weights,
        template.shape_deltas[[template.shape_names.index(name) for name in BLINKS]],
        1,
    )
    np.testing.assert_allclose(person.shown, shown, atol=1e-7)


def test_open_eyes_are_no_blink(template):
    assert fitted(template, known_scan(template, bump_m=0.0)).weights.max() < 0.1


def test_the_scan_is_placed_in_its_own_size(known, person):
    placed = person.rig_from_scan.points(known.scan.vertices)
    true = (known.scan.vertices - known.shift) @ known.rotation / known.scale
    assert person.rig_from_scan.scale == 0.001
    assert np.median(np.linalg.norm(placed - true, axis=1)) < 0.003


def test_without_identities_the_mean_head_stays(template, known):
    person = fitted(template, known, use_identity=False)
    np.testing.assert_allclose(person.neutral, template.vertices, atol=1e-7)
    assert not person.identity.any()
    plain = replace(template, identity=None)
    assert len(fitted(plain, known).identity) == 0


def test_values_at_landmarks_are_linear_and_zero_where_absent(template):
    ones = np.ones((len(template.vertices), 2))
    present = template.landmarks.triangle >= 0
    at = template_at_landmarks(template, ones)
    np.testing.assert_allclose(at, present[:, None].repeat(2, 1), atol=1e-6)
    points = template_at_landmarks(template, template.vertices.astype(np.float64))
    expected = template.landmarks.positions(template.vertices, template.triangles)
    np.testing.assert_allclose(points[present], expected[present], atol=1e-6)
