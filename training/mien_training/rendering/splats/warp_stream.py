"""Warp beside torch, on the device on which a tensor lies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from mien.errors import InputError

__all__ = ["warp_on"]


@contextlib.contextmanager
def warp_on(tensor: torch.Tensor, work: str) -> Iterator[Any]:
    """Warp, with its work in torch's stream where the tensor lies on CUDA; `work` is what messages
    call it. Raises InputError where torch has CUDA and Warp has not."""
    from mien.avatar.warp_start import wp

    if not tensor.is_cuda:
        yield wp
        return
    if not wp.is_cuda_available():
        raise InputError(f"{work}: torch uses CUDA, but Warp finds no driver; take device cpu")
    with wp.ScopedStream(wp.stream_from_torch(tensor.device)):
        yield wp
