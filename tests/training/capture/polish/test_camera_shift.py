"""A picture that is moved is found by how."""

import numpy as np
import torch

from mien_training.capture.polish.camera_shift import camera_shifts, outstanding_camera
from mien_training.capture.polish.consensus import Consensus
from mien_training.capture.polish.picture_levels import PlaceColours


def test_the_shift_is_found():
    rng = torch.Generator().manual_seed(0)
    across = torch.randn(3, 1, 200, 2, generator=rng)
    shift = torch.tensor([[0.0, 0.0], [1.5, -0.5], [0.0, 0.0]])
    residual = -(across * shift[:, None, None]).sum(-1)
    shown = PlaceColours(residual, residual, across)
    seen = torch.ones(3, 200)
    found = Consensus(torch.zeros(3, 1, 9), residual, seen, torch.ones(3))
    np.testing.assert_allclose(camera_shifts(shown, found, seen), shift, atol=1e-4)
    nothing = camera_shifts(shown, found, 0 * seen)
    np.testing.assert_array_equal(nothing, np.zeros((3, 2)))


def test_one_camera_stands_out():
    still = np.full((5, 2), 0.3)
    assert outstanding_camera(still, 2.0) is None
    moved = still.copy()
    moved[3] = (0.0, -2.5)
    assert outstanding_camera(moved, 2.0) == 3
    assert outstanding_camera(moved, 3.0) is None
    assert outstanding_camera(moved[1:4], 2.0) is None
    assert outstanding_camera(np.full((5, 2), 4.0), 2.0) is None
