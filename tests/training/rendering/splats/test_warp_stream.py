"""Warp where a tensor lies, or a word of why not."""

from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra `train`)")

import torch

from mien.avatar.warp_start import wp
from mien.errors import InputError
from mien_training.rendering.splats.warp_stream import warp_on


def test_on_the_cpu_it_is_warp_itself():
    with warp_on(torch.zeros(1), "drawing") as found:
        assert found is wp


def test_cuda_of_torch_alone_is_refused(monkeypatch):
    monkeypatch.setattr(wp, "is_cuda_available", lambda: False)
    there = SimpleNamespace(is_cuda=True)
    with (
        pytest.raises(InputError, match="drawing: torch uses CUDA, but Warp finds no driver"),
        warp_on(there, "drawing"),
    ):
        pass
