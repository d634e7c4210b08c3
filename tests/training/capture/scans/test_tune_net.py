"""`mien train capture --from --scans` from end to end, small."""

import json
from dataclasses import replace

import pytest
import torch

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.learning.train_on_readings import ReadingTraining
from mien_training.capture.scans.train_on_scans import ScanTraining
from mien_training.capture.scans.tune_net import tunable
from mien_training.capture.train import NET_FILE, TrainCaptureConfig, train_capture


@pytest.fixture(scope="module")
def call(young_net, scan_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    young_net.write(folder / "parent.npz")
    tuning = ScanTraining(ReadingTraining(steps=3, batch=1), points=300)
    return TrainCaptureConfig(
        out=folder / "net", from_net=folder / "parent.npz", scans=scan_folder, tuning=tuning
    )


def test_a_child_is_left_that_names_its_parent(call, anny, young_net):
    metrics = train_capture(call, quiet=True)
    assert metrics == json.loads((call.out / "metrics.json").read_text())
    assert metrics["moments"] == 2 and metrics["held_out"] == [8]
    assert set(metrics["before"]) == set(metrics["after"]) == {"error", "median"}
    assert metrics["after"]["error"] <= metrics["before"]["error"]
    child = CaptureNet.read(call.out / NET_FILE, anny)
    parent = CaptureNet.read(call.from_net, anny)
    assert child.origin["parent"] == parent.digest == metrics["parent"]
    told = json.dumps(child.origin)
    assert str(call.scans) not in told and "scans/7.ply" in told
    for name, value in parent.correspondence.state_dict().items():
        assert torch.equal(value, child.correspondence.state_dict()[name])
    # The same call again, and a call on other scans.
    assert train_capture(call, quiet=True) == metrics
    with pytest.raises(InputError, match="steps"):
        loop = replace(call.tuning.loop, steps=4)
        train_capture(replace(call, tuning=replace(call.tuning, loop=loop)), quiet=True)


def test_scans_without_a_net_are_refused(call):
    with pytest.raises(InputError, match="expected a net to go on from"):
        replace(call, from_net=None)


def test_a_net_without_one_over_the_mesh_gets_one_that_hardly_moves(young_net):
    made, own = tunable(replace(young_net, refinement=None)), tunable(young_net)
    assert own is not young_net.refinement
    assert all(not net.last.weight.any() for net in made.passes)
    assert torch.equal(own.passes[0].token, young_net.refinement.passes[0].token)
    assert torch.equal(made.chosen, young_net.linear.chosen)
