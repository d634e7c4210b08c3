"""Integration is the inverse of the slopes, and linear."""

import numpy as np
import torch

from mien_training.rendering.relief.height_from_slopes import height_from_slopes
from mien_training.rendering.relief.relief_normals import height_slopes


def wave(side, fx, fy):
    v, u = np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2, indexing="ij")
    return np.cos(np.pi * fx * u) * np.cos(np.pi * fy * v)


def test_it_undoes_the_slopes_of_smooth_heights():
    height = 1e-3 * (wave(128, 3, 2) + 0.5 * wave(128, 1, 6))
    slopes = height_slopes(torch.from_numpy(height)).numpy()
    np.testing.assert_allclose(height_from_slopes(slopes), height, atol=3e-5)


def test_it_is_linear_and_has_mean_0():
    a, b = np.random.default_rng(0).normal(size=(2, 2, 32, 32))
    both = height_from_slopes(2 * a - b)
    apart = 2 * height_from_slopes(a) - height_from_slopes(b)
    np.testing.assert_allclose(both, apart, atol=1e-4)
    assert abs(both.mean()) < 1e-5
