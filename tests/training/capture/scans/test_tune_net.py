"""`mien train capture --from --scans` from end to end, small."""

import json
from dataclasses import replace

import pytest
import torch

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.scans.train_on_scans import ScanTraining
from mien_training.capture.train import NET_FILE, TrainCaptureConfig, train_capture


@pytest.fixture(scope="module")
def call(young_net, scan_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    young_net.write(folder / "parent.npz")
    tuning = ScanTraining(steps=8, batch=1, points=300)
    return TrainCaptureConfig(
        out=folder / "net", from_net=folder / "parent.npz", scans=scan_folder, tuning=tuning
    )


def test_a_child_is_left_that_names_its_parent(call, anny, young_net):
    metrics = train_capture(call, quiet=True)
    assert metrics == json.loads((call.out / "metrics.json").read_text())
    assert metrics["moments"] == 2 and metrics["held_out"] == [8]
    assert set(metrics["before"]) == set(metrics["after"]) == {"error", "median"}
    assert metrics["after"]["error"] < metrics["before"]["error"]
    child = CaptureNet.read(call.out / NET_FILE, anny)
    parent = CaptureNet.read(call.from_net, anny)
    assert child.origin["parent"] == parent.digest == metrics["parent"]
    told = json.dumps(child.origin)
    assert str(call.scans) not in told and "scans/7.ply" in told
    for name, value in parent.correspondence.state_dict().items():
        assert torch.equal(value, child.correspondence.state_dict()[name])
    assert not torch.equal(child.linear.left, parent.linear.left)
    assert torch.equal(child.linear.off, parent.linear.off)
    # The same call again, and a call on other scans.
    assert train_capture(call, quiet=True) == metrics
    with pytest.raises(InputError, match="steps"):
        train_capture(replace(call, tuning=replace(call.tuning, steps=9)), quiet=True)


def test_scans_without_a_net_are_refused(call):
    with pytest.raises(InputError, match="expected a net to go on from"):
        replace(call, from_net=None)


def test_a_net_that_goes_on_after_the_linear_step_is_refused(call, young_net, anny, tmp_path):
    config = RefinementConfig(layers=3, spacings_m=(0.002,), width=16)
    whole = replace(young_net, refinement=Refinement(anny, 8, config))
    whole.write(tmp_path / "whole.npz")
    with pytest.raises(InputError, match=r"whole\.npz: has refinement .* without --refine"):
        train_capture(replace(call, out=tmp_path / "net", from_net=tmp_path / "whole.npz"), True)
    assert not (tmp_path / "net").exists()
