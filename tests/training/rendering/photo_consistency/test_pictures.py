"""Logarithms of images."""

import torch

from mien_training.rendering.photo_consistency.pictures import logarithms


def test_brighter_pictures_are_a_sum_of_logarithms():
    dim = torch.full((1, 4, 4, 3), 60, dtype=torch.uint8)
    apart = logarithms(2 * dim, 2) - logarithms(dim, 2)
    assert apart.shape == (1, 3, 2, 2)
    torch.testing.assert_close(apart, torch.full_like(apart, 0.6931), atol=0.05, rtol=0)


def test_grey_pictures_have_one_channel():
    assert logarithms(torch.zeros(2, 6, 4, 1, dtype=torch.uint8), 2).shape == (2, 1, 3, 2)
