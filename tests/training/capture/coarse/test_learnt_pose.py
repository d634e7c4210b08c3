"""A learnt pose is a pose, starts upright, and learns where a head is."""

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien_training.capture.coarse.coarse_loss import coarse_loss
from mien_training.capture.coarse.coarse_stage import CoarseConfig
from mien_training.capture.coarse.learnt_pose import LearntPose, rotation_from_columns
from mien_training.capture.coarse.volume_grid import VolumeGrid
from mien_training.capture.learning.train_on_readings import ReadingTraining, train_on_readings

SMALL = CoarseConfig(grid=VolumeGrid(resolution=12, spacing_m=0.03), controls=24, widths=(8, 16))


@pytest.mark.parametrize("seed", range(3))
def test_any_six_numbers_are_a_rotation(seed):
    torch.manual_seed(seed)
    turn = rotation_from_columns(torch.randn(6))
    torch.testing.assert_close(turn @ turn.T, torch.eye(3), atol=1e-5, rtol=0)
    assert float(torch.linalg.det(turn)) == pytest.approx(1, abs=1e-5)


def test_it_starts_upright_and_learns(seen_head, anny, tmp_path):
    torch.manual_seed(0)
    stage = LearntPose(anny, 2, SMALL)
    reading = perfect_reading(anny, seen_head, anny.vertices)
    turn, _ = stage.pose(reading)
    torch.testing.assert_close(turn, torch.eye(3))
    path = tmp_path / "one.npz"
    reading.write(path)
    config = ReadingTraining(steps=60, batch=1, fewest_views=4, learning_rate=1e-2)
    before = float(
        (stage(reading)[0][0] - torch.from_numpy(reading.truth)[stage.chosen]).norm(dim=1).mean()
    )
    trained = train_on_readings(stage, coarse_loss, config, [path], [path])
    assert trained.error < 500 * before
    one, two = (stage.pose(reading, np.array(v))[1] for v in ([0, 1, 2, 3], [3, 2, 1, 0]))
    torch.testing.assert_close(one, two, atol=1e-5, rtol=0)
