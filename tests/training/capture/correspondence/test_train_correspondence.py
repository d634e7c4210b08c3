"""Training goes on bit for bit where it was interrupted, and each step's views follow from it."""

from dataclasses import replace

import pytest
import torch

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.train_correspondence import (
    CorrespondenceConfig,
    train_correspondence,
)
from mien_training.capture.correspondence.view_samples import SampleSpec
from mien_training.runs.checkpoint import Checkpoint

CONFIG = CorrespondenceConfig((8, 16), 0, SampleSpec(side=32), steps=4, batch=2)


def test_interrupted_it_ends_the_same(moments, anny, tmp_path):

    class Stopped(Exception):
        pass

    def trained(path, stop=None):
        def report(progress):
            if stop is not None and progress.done == stop:
                raise Stopped

        return train_correspondence(
            CONFIG, anny, moments, moments, torch.device("cpu"),
            Checkpoint(path, {"a": 1}), report,
        )  # fmt: skip

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        net, history = trained(tmp_path / "whole.pt")
        with pytest.raises(Stopped):
            trained(tmp_path / "part.pt", stop=2)
        again, _ = trained(tmp_path / "part.pt")
    finally:
        torch.set_num_threads(threads)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, atol=0, rtol=0)
    last = history.history[-1]
    assert last["error"] == (last["located mean_mm"] + last["upright mean_mm"]) / 2
    assert not net.training


def test_nonsense_is_refused(moments, anny):
    odd = CorrespondenceConfig((8, 16), 0, SampleSpec(side=34), steps=1, batch=1)
    with pytest.raises(InputError, match="multiple of 4"):
        train_correspondence(odd, anny, moments, moments, torch.device("cpu"))
    with pytest.raises(InputError, match="steps 0"):
        CorrespondenceConfig(steps=0)


def test_it_goes_on_from_a_net(moments, anny):
    torch.manual_seed(1)
    start = CorrespondenceNet((8, 16), 0)
    torch.nn.init.normal_(start.unet.last.weight)
    still = replace(CONFIG, learning_rate=1e-12, steps=1)
    net, _ = train_correspondence(still, anny, moments, moments, torch.device("cpu"), start=start)
    for name, value in net.state_dict().items():
        torch.testing.assert_close(start.state_dict()[name], value)
