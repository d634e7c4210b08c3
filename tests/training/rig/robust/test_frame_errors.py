"""Errors of frames: none where the fit is right, and known ones where it is moved."""

import pytest
import torch
from support.rig_scene import FRAMES, recorded_scene, small_person

from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import FrameErrors, frame_errors

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def objective():
    """Grey frames of two cameras; the fit is the truth."""
    filmed = recorded_scene(small_person())
    return Objective(filmed.person, filmed.seen, filmed.fit.model, RigFitConfig())


ALL = torch.arange(2 * FRAMES)


def test_a_moved_head_is_as_far_off_as_its_points(objective):
    right = frame_errors(objective, objective.model.rig(), ALL)
    assert right.points_px.max() < 0.3 and right.photometric.max() < 0.3
    with torch.no_grad():
        objective.model.motion.translation[:, 1] += 0.004
    moved = frame_errors(objective, objective.model.rig(), ALL)
    focal = objective.seen.views.intrinsics[0, 0, 0]
    expected = float(focal) * 0.004 / 1.0  # a metre away, about
    assert (moved.points_px - expected).abs().max() < 0.15 * expected
    assert (moved.cost > right.cost).all()


def test_frames_are_independent_of_their_company(objective):
    shapes = objective.model.rig()
    together = frame_errors(objective, shapes, ALL)
    alone = FrameErrors.cat([frame_errors(objective, shapes, ALL[i : i + 1]) for i in (0, 7, 20)])
    for name in ("points_px", "photometric", "cost"):
        torch.testing.assert_close(getattr(alone, name), getattr(together, name)[[0, 7, 20]])


def test_colours_that_do_not_count_cost_nothing(objective):
    shapes = objective.model.rig()
    with torch.no_grad():
        objective.model.appearance.light[:] *= 3
    dear = frame_errors(objective, shapes, ALL)
    objective.uses_pixels[5] = False
    cheap = frame_errors(objective, shapes, ALL)
    assert cheap.cost[5] < 0.5 * dear.cost[5]
    assert cheap.photometric[5] == dear.photometric[5] and cheap.cost[4] == dear.cost[4]


def test_points_of_a_tracker_that_jumped_do_not_count(objective):
    objective.seen.points[3] += 40
    objective.seen.trusted[3] = False
    errors = frame_errors(objective, objective.model.rig(), ALL)
    assert errors.points_px[3] == 0 and errors.cost.argmax() != 3


def test_what_covers_a_face_is_told_and_costs_no_more_than_the_least_that_does(objective):
    shapes, images = objective.model.rig(), objective.seen.images
    with torch.no_grad():
        posed = shapes.posed(objective.motion_at(ALL))
        seen, surface = objective.seen, objective.model.appearance
        shown = objective.renderer(posed, seen.views, seen.camera, surface, images / 255).colour
        images[:] = (255 * shown).round().byte()
    clean = frame_errors(objective, shapes, ALL)
    assert clean.covered.max() == 0 and clean.photometric.max() < 0.02
    with torch.no_grad():
        rendered = objective.renderer(posed, seen.views, seen.camera, surface, images / 255)
    rows = objective.compared(rendered, ALL)[4].nonzero()[:, 0]
    below = int(rows.double().quantile(0.7))
    images[4, below:] = torch.tensor([255, 255, 0], dtype=torch.uint8)
    once = frame_errors(objective, shapes, ALL)
    images[4, below:] = torch.tensor([255, 0, 0], dtype=torch.uint8)
    twice = frame_errors(objective, shapes, ALL)
    assert once.covered[4] > 0.15 and once.covered[3] == clean.covered[3]
    assert twice.photometric[4] != once.photometric[4]
    assert abs(float(twice.cost[4] / once.cost[4]) - 1) < 0.1
