"""Voxels lie where they say, and move with the head."""

import pytest
import torch

from mien.errors import InputError
from mien_training.capture.coarse.volume_grid import VolumeGrid, moved


def test_voxels_are_evenly_spaced_about_the_centre():
    grid = VolumeGrid(5, 0.03, (0.1, 0.2, 0.3))
    volume = grid.points(torch.float64).reshape(5, 5, 5, 3)
    torch.testing.assert_close(volume[2, 2, 2], torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64))
    for axis in range(3):
        step = volume.diff(dim=axis).reshape(-1, 3)
        expected = torch.zeros(3, dtype=torch.float64)
        expected[axis] = 0.03
        torch.testing.assert_close(step, expected.expand_as(step))
    with pytest.raises(InputError, match="resolution"):
        VolumeGrid(1)


def test_points_move_with_each_head():
    pose = torch.eye(4).repeat(2, 1, 1)
    pose[1, :3, 3] = torch.tensor([1.0, 2.0, 3.0])
    pose[1, :3, :3] = torch.tensor([[0.0, -2, 0], [2, 0, 0], [0, 0, 2]])
    points = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
    placed = moved(points, pose)
    torch.testing.assert_close(placed[0], points)
    torch.testing.assert_close(placed[1], torch.tensor([[1.0, 4, 3], [-1, 2, 3]]))
    torch.testing.assert_close(moved(placed, torch.linalg.inv(pose))[1], points)
