"""The file computes what the net does, at any size, and is always the same."""

import numpy as np
import pytest
import torch

from mien_training.avatar.mattes.matting_onnx import matting_onnx
from mien_training.avatar.mattes.mesh_hints import HINTS
from mien_training.avatar.mattes.net_mattes import MattingModel


@pytest.mark.parametrize("shape", [(32, 32), (16, 44)])
def test_it_computes_the_same(small_net, net_file, shape):
    told = np.random.default_rng(0).uniform(-1, 1, (HINTS, *shape)).astype(np.float32)
    with torch.no_grad():
        wanted = small_net(torch.from_numpy(told)[None])[0].numpy()
    assert wanted.std() > 0.01
    np.testing.assert_allclose(MattingModel(net_file)(told), wanted, atol=1e-5)


def test_the_same_bytes(small_net, net_file):
    assert matting_onnx(small_net) == net_file.read_bytes()


def test_weights_take_two_bytes(small_net, net_file):
    count = sum(p.numel() for p in small_net.parameters())
    assert net_file.stat().st_size < 2 * count + 15_000
