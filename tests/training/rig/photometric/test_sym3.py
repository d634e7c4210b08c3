"""Six numbers are the matrix."""

import torch

from mien_training.rig.photometric.sym3 import packed, pressed


def test_packed_matrices_press_as_whole_ones_do():
    torch.manual_seed(0)
    half = torch.randn(4, 2, 3, 3)
    whole, vectors = half @ half.mT, torch.randn(4, 2, 3)
    expected = (whole @ vectors[..., None])[..., 0]
    torch.testing.assert_close(pressed(packed(whole), vectors), expected)
