"""Symmetric 3 x 3 matrices, kept as six numbers: xx, xy, xz, yy, yz, zz."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["sym3_matvec", "sym3_pack"]


def sym3_pack(matrices: Tensor) -> Tensor:
    """(..., 3, 3) -> (..., 6)."""
    return matrices.flatten(-2)[..., [0, 1, 2, 4, 5, 8]]


def sym3_matvec(matrices: Tensor, vectors: Tensor) -> Tensor:
    """(..., 6) matrices times (..., 3) vectors -> (..., 3)."""
    xx, xy, xz, yy, yz, zz = matrices.unbind(-1)
    x, y, z = vectors.unbind(-1)
    return torch.stack(
        [xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z], -1
    )
