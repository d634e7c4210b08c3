"""From the points alone a frame is found again; all others stay."""

import pytest
import torch
from support.rig_scene import FRAMES, recorded_scene, small_person

from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.motion import Motion
from mien_training.rig.photometric.motion_solver import MotionSolverConfig
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import frame_errors
from mien_training.rig.robust.restart import motion_from_points, restart_frames

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = torch.arange(2 * FRAMES)


@pytest.fixture
def objective():
    filmed = recorded_scene(small_person())
    config = RigFitConfig(motion=MotionSolverConfig(effective_point_count=400.0))
    return Objective(filmed.person, filmed.seen, filmed.fit.model, config)


def rows(motion: Motion, frames: torch.Tensor) -> Motion:
    return Motion(motion.weights[frames], motion.rotation[frames], motion.translation[frames])


def test_points_tell_pose_and_weights(objective):
    with torch.no_grad():
        true = objective.motion_at(ALL)
        frames = torch.tensor([2, 9, 15])
        start = rows(true, frames)
        start = Motion(0 * start.weights, start.rotation + 0.2, start.translation + 0.02)
        found = motion_from_points(objective, objective.model.rig(), frames, start)
    expected = rows(true, frames)
    assert (found.rotation - expected.rotation).norm(dim=1).max() < 0.02
    assert (found.weights - expected.weights)[:, [1, 4]].abs().max() < 0.15
    assert found.weights.min() >= 0 and found.weights.max() <= 1


def cost(objective: Objective) -> torch.Tensor:
    return frame_errors(objective, objective.model.rig(), ALL).cost


def test_only_lost_frames_move(objective):
    with torch.no_grad():
        true = objective.motion_at(ALL)
        # The frames of both cameras from 4 to 6: they share their moments.
        lost = torch.tensor([4, 5, 6, 16, 17, 18])
        objective.model.motion.rotation[7:12, 1] += 0.5
        moved = (objective.motion_at(ALL).rotation - true.rotation).norm(dim=1) > 0.02
        now = cost(objective)
        again = restart_frames(objective, objective.model.rig(), ALL, moved, true, now)
        found = objective.motion_at(ALL)
    assert moved[lost].all()
    assert again[lost].all() and not again[~moved].any()
    assert (found.rotation - true.rotation).norm(dim=1).max() < 0.08


def test_a_frame_whose_points_err_stays(objective):
    """The rig lies on the images; one camera's tracker was wrong."""
    with torch.no_grad():
        before, now = objective.model.motion.controls(), cost(objective)
        true = objective.motion_at(ALL)
        lost = ALL == 5
        objective.seen.points[lost] += 4.0  # pixels, all one way: a head beside itself
        now[lost] = cost(objective)[lost]
        again = restart_frames(objective, objective.model.rig(), ALL, lost, true, now)
    assert not again.any()
    torch.testing.assert_close(objective.model.motion.controls(), before, rtol=0, atol=0)
