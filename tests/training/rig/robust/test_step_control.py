"""A step is taken where it helps, and refused where it does harm."""

import pytest
import torch
from support.rig_scene import FRAMES, recorded_scene, small_person

from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.photometric.motion_solver import MotionSolverConfig
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import frame_errors
from mien_training.rig.robust.step_control import accept_step

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = torch.arange(2 * FRAMES)


@pytest.fixture
def objective():
    filmed = recorded_scene(small_person())
    # Grey frames tell nothing: the points decide.
    config = RigFitConfig(motion=MotionSolverConfig(colour_sigma=5.0))
    return Objective(filmed.person, filmed.seen, filmed.fit.model, config)


def test_a_good_step_is_taken_whole_and_a_bad_one_by_no_frame(objective):
    spline, shapes = objective.model.motion, objective.model.rig()
    truth = spline.controls()
    before = truth.clone()
    before[:, -2] += 0.004  # the head is 4 mm too high
    spline.take(before)
    cost = frame_errors(objective, shapes, ALL).cost
    after = truth.clone()
    after[:7, -5] += 0.8  # and would turn away in the first frames
    spline.take(after)
    errors = accept_step(objective, shapes, ALL, before, cost)
    taken = spline.controls()
    assert (errors.cost <= 1.5 * cost + 1e-4).all()
    torch.testing.assert_close(errors.cost, frame_errors(objective, shapes, ALL).cost)
    torch.testing.assert_close(taken[11:], truth[11:])
    assert (taken[3:5] - before[3:5]).abs().max() < 0.25
    assert errors.cost[[11, 23]].max() < 0.5 * cost[[11, 23]].max()


def test_a_step_that_helps_everywhere_is_left_alone(objective):
    spline, shapes = objective.model.motion, objective.model.rig()
    truth = spline.controls()
    before = truth.clone()
    before[:, -3] += 0.005
    spline.take(before)
    cost = frame_errors(objective, shapes, ALL).cost
    spline.take(truth)
    accept_step(objective, shapes, ALL, before, cost)
    torch.testing.assert_close(spline.controls(), truth)
