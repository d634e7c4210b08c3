"""Expected places: a delta's own voxel, a prior's own place, gradients everywhere."""

import pytest
import torch

from mien.errors import InputError
from mien_training.capture.coarse.soft_argmax import log_prior, soft_argmax
from mien_training.capture.coarse.volume_grid import VolumeGrid

GRID = VolumeGrid(6, 0.04)


def test_a_delta_returns_its_voxel():
    grid = GRID.points()
    scores = torch.full((2, 3, 6, 6, 6), -50.0)
    chosen = [[(0, 0, 0), (5, 5, 5), (1, 2, 3)], [(5, 0, 0), (2, 2, 2), (0, 4, 1)]]
    for b, row in enumerate(chosen):
        for k, voxel in enumerate(row):
            scores[(b, k, *voxel)] = 50.0
    places, deviation = soft_argmax(scores, grid)
    volume = grid.reshape(6, 6, 6, 3)
    for b, row in enumerate(chosen):
        for k, voxel in enumerate(row):
            assert (places[b, k] - volume[voxel]).abs().max() < 1e-6
    assert deviation.max() < 1e-3
    even, spread = soft_argmax(torch.zeros(1, 1, 216), grid)
    torch.testing.assert_close(even[0, 0], grid.mean(0))
    torch.testing.assert_close(spread[0, 0], grid.var(0, unbiased=False).sum().sqrt())


def test_a_prior_starts_at_its_places():
    wide = VolumeGrid(16, 0.02)
    grid = wide.points()
    places = torch.tensor(wide.centre) + 0.08 * (2 * torch.rand(7, 3) - 1)
    prior = log_prior(grid, places, 0.02)
    found, deviation = soft_argmax(torch.zeros(2, 7, 16, 16, 16), grid, prior)
    assert (found - places).abs().max() < 2e-4  # metres
    torch.testing.assert_close(deviation, torch.full((2, 7), 0.02 * 3**0.5), rtol=0.03, atol=0)
    with pytest.raises(InputError, match="deviation_m"):
        log_prior(grid, places, 0.0)


def test_gradients_and_grids_of_each_moment():
    torch.manual_seed(1)
    small = VolumeGrid(3, 0.1).points(torch.float64)
    scores = torch.randn(2, 2, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: soft_argmax(s, small), (scores,))
    own = torch.stack([small, small + 1])
    (both, spread), (single, same) = soft_argmax(scores, own), soft_argmax(scores, small)
    torch.testing.assert_close(both[1], single[1] + 1)
    torch.testing.assert_close(spread, same)


def test_what_does_not_fit_is_refused():
    scores = torch.zeros(1, 2, 3, 3, 3)
    with pytest.raises(InputError, match="grid"):
        soft_argmax(scores, torch.zeros(26, 3))
    with pytest.raises(InputError, match="prior"):
        soft_argmax(scores, torch.zeros(27, 3), torch.zeros(3, 27))
