"""A frame is lost by its points or by its head, and by neither of the two alone being small."""

import pytest
import torch

from mien.errors import InputError
from mien_training.rig.robust.lost_frames import FrameLimits, lost_frames

LIMITS = FrameLimits(points=0.02, turn_rad=0.2)


def test_points_count_in_sizes_of_the_face():
    points, face = torch.tensor([1.9, 2.1, 2.1]), torch.tensor([100.0, 100.0, 200.0])
    still = torch.zeros(3, 3)
    assert lost_frames(points, face, still, still, LIMITS).tolist() == [False, True, False]


def test_turns_are_angles_whatever_the_vectors():
    about_y = torch.tensor([0.0, 1.0, 0.0])
    by_points = torch.stack([0.1 * about_y, 3.1 * about_y, 3.1 * about_y])
    found = torch.stack([0.35 * about_y, (3.15 - 2 * torch.pi) * about_y, 3.4 * about_y])
    none, face = torch.zeros(3), torch.full((3,), 100.0)
    assert lost_frames(none, face, found, by_points, LIMITS).tolist() == [True, False, True]


@pytest.mark.parametrize("numbers", [{"points": 0.0}, {"turn_rad": -1.0}, {"restarts": -1}])
def test_limits_out_of_range(numbers):
    with pytest.raises(InputError, match=next(iter(numbers))):
        FrameLimits(**numbers)
