"""What pulls a head to a scan is at rest where the head is the scan's."""

import numpy as np
import pytest
import torch
from support.scans import known_landmarks, known_scan

from mien_training.rig.scan.attraction_terms import ContactPull, LandmarkPull, ScanPull, SurfacePull
from mien_training.rig.scan.scan_target import ScanPoints, ScanTarget, attraction

pytest.importorskip("anny", reason="anny is not installed (extra `train`)")

REACH_M, AGREE = 0.02, 0.6


@pytest.fixture(scope="module")
def found(template, known):
    return known_landmarks(template, known)


@pytest.fixture(scope="module")
def attracted(template, known):
    return attraction(template, known.expression)


@pytest.fixture(scope="module")
def surface(template, known, found, attracted):
    return SurfacePull(template, ScanTarget(known.scan), found.rig_from_scan, attracted)


def pulled(pull, vertices):
    """Loss and gradient after looking for the nearest places of a head at `vertices`."""
    head = torch.from_numpy(vertices).requires_grad_()
    if hasattr(pull, "match"):
        pull.match(vertices, REACH_M, AGREE)
    loss = pull.loss(head)
    loss.backward()
    return float(loss.detach()), head.grad.numpy()


def test_vertices_rest_on_the_scan_and_are_pulled_back_to_it(known, attracted, surface):
    rest_quantile, _ = pulled(surface, known.expression)
    away, gradient = pulled(surface, known.expression + np.float32([0, 0, 0.002]))
    assert rest_quantile < 1e-3 and 0.5 < away < 4.0  # mm^2; 2 mm, where the face looks forward
    assert gradient.sum(0)[2] > 0 and not gradient[attracted <= 0.05].any()


def test_what_is_out_of_reach_does_not_pull(known, surface):
    loss, gradient = pulled(surface, known.expression + np.float32([0, 0, 0.5]))
    assert loss == 0 and not gradient.any()


def test_points_of_the_scan_pull_what_is_too_small(template, known, found, attracted):
    target, start = ScanTarget(known.scan), known.expression.astype(np.float64)
    pull = ScanPull(ScanPoints(template, target, found.rig_from_scan, attracted, start))
    rest_quantile, _ = pulled(pull, known.expression)
    middle = known.expression.mean(0)
    small = (middle + 0.97 * (known.expression - middle)).astype(np.float32)
    loss, gradient = pulled(pull, small)
    assert rest_quantile < 0.05 * loss
    outwards = ((small - middle) * -gradient).sum()
    assert outwards > 0


def test_landmarks_rest_where_they_belong_and_pull_less_than_squared(template, known, found):
    pull = LandmarkPull(template, found, found.rig_from_scan)
    assert pulled(pull, known.expression)[0] < 1e-4
    near, far = (
        pulled(pull, known.expression + np.float32([mm / 1000, 0, 0]))[0] for mm in (1.0, 40.0)
    )
    assert near == pytest.approx(1.0, abs=0.1) and 100 < far < 400  # mm^2, of 1600


def test_lids_that_touch_in_the_scan_are_kept_together(template, known, found):
    shown = (known.expression - known.neutral).astype(np.float64)
    pull = ContactPull(template, found, found.rig_from_scan, shown)
    lids = template.regions["lids"][pull.pairs].all(1)
    assert lids.sum() > 20
    closed, _ = pulled(pull, known.expression)
    opened, gradient = pulled(pull, known.neutral)
    assert closed < 0.05 * opened
    apart = known.neutral[pull.pairs[lids]]
    together = (apart[:, 0] - apart[:, 1]) * -(
        gradient[pull.pairs[lids, 0]] - gradient[pull.pairs[lids, 1]]
    )
    assert together.sum() < 0


def test_open_eyes_are_left_open(template):
    awake = known_scan(template, blink=0.0)
    found = known_landmarks(template, awake)
    pull = ContactPull(template, found, found.rig_from_scan, np.zeros(template.vertices.shape))
    assert not template.regions["lids"][pull.pairs].all(1).any()


def test_nothing_to_pull_is_no_loss(template, known, found, attracted):
    target, far = ScanTarget(known.scan), known.expression.astype(np.float64) + 3.0
    pull = ScanPull(ScanPoints(template, target, found.rig_from_scan, attracted, far))
    pull.match(known.expression, REACH_M, AGREE)
    assert float(pull.loss(torch.from_numpy(known.expression))) == 0
