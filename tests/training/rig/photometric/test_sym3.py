"""Six numbers are the matrix."""

import torch

from mien_training.rig.photometric.sym3 import sym3_matvec, sym3_pack


def test_packed_matrices_press_as_whole_ones_do():
    torch.manual_seed(0)
    half = torch.randn(4, 2, 3, 3)
    whole, vectors = half @ half.mT, torch.randn(4, 2, 3)
    expected = (whole @ vectors[..., None])[..., 0]
    torch.testing.assert_close(sym3_matvec(sym3_pack(whole), vectors), expected)
