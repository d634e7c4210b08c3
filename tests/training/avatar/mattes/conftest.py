"""A person's pictures before nothing, and a small net that has learnt nothing yet."""

import pytest


@pytest.fixture(scope="session")
def matte_sample():
    pytest.importorskip("anny", reason="anny is not installed (extra `train`)")
    from mien_training.avatar.mattes.matte_samples import draw_matte_sample

    return draw_matte_sample(7, 2, 128)


@pytest.fixture(scope="session")
def small_net():
    import torch

    from mien_training.avatar.mattes.matting_net import MattingNet

    torch.manual_seed(0)
    net = MattingNet((8, 16, 24)).eval()
    with torch.no_grad():
        for p in net.parameters():
            # As the file has them.
            p.copy_((p + 0.1 * torch.randn_like(p)).half().float())
    return net


@pytest.fixture(scope="session")
def net_file(small_net, tmp_path_factory):
    from mien_training.avatar.mattes.matting_onnx import matting_onnx

    path = tmp_path_factory.mktemp("net") / "matting.onnx"
    path.write_bytes(matting_onnx(small_net))
    return path
