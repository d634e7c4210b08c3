"""The exported net says what the net says."""

import numpy as np
import onnxruntime
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.correspondence_onnx import FORMAT, correspondence_onnx


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    net = CorrespondenceNet((8, 16, 16), 2).eval()
    torch.nn.init.normal_(net.unet.last.weight, std=0.1)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(value.half().float())
    return net


def test_it_says_the_same(net):
    data = correspondence_onnx(net, 32)
    assert data == correspondence_onnx(net, 32)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert session.get_modelmeta().custom_metadata_map == {"format": FORMAT, "side": "32"}
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (3, 3, 32, 32)).astype(np.float32)
    names = ["skin", "canonical", "deviation", "normals"]
    skin, canonical, deviation, normals = session.run(names, {"image": images})
    with torch.no_grad():
        maps = net(torch.from_numpy(images))
    expected = {
        "skin": torch.sigmoid(maps.skin)[:, None], "canonical": maps.canonical.permute(0, 3, 1, 2),
        "deviation": maps.deviation[:, None], "normals": maps.normals.permute(0, 3, 1, 2),
    }  # fmt: skip
    for name, found in zip(names, (skin, canonical, deviation, normals), strict=True):
        np.testing.assert_allclose(found, expected[name].numpy(), atol=2e-4, err_msg=name)


def test_other_sides_are_refused(net):
    with pytest.raises(InputError, match="side 36"):
        correspondence_onnx(net, 36)
