"""`mien train capture` from end to end, small; interrupted, it ends the same."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.correspondence.train_correspondence import CorrespondenceConfig
from mien_training.capture.correspondence.view_samples import SampleSpec
from mien_training.capture.first_mesh import FirstMeshConfig
from mien_training.capture.learning.train_on_readings import ReadingTraining
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.refinement.refinement import RefinementConfig
from mien_training.capture.train import NET_FILE, ONNX_FILE, TrainCaptureConfig, train_capture
from mien_training.synthetic.capture.dataset.read import CaptureReader
from mien_training.synthetic.capture.occluders import WearSpec
from mien_training.synthetic.capture.people import PeopleSpec
from mien_training.synthetic.capture.rigs import RigSpec
from mien_training.synthetic.capture.spec import CaptureSpec, SeedRange


def small(out):
    nothing = WearSpec(strands=0, cap=0, cloth_cap=0, beard=0, glasses=0)
    rig = RigSpec(layouts=("arc",), views=(3, 3), long_side=128, azimuth_rad=0.5)
    return TrainCaptureConfig(
        out=out, moments=3, held_out=1, read=3, people_of_basis=4, components=2, workers=1,
        device="cpu", refine=True,
        moment=CaptureSpec(rig=rig, wear=nothing, person=PeopleSpec(texture_side=16), samples=1),
        correspondence=CorrespondenceConfig((8, 16), 0, SampleSpec(side=32), steps=3, batch=2),
        first=FirstMeshConfig(
            side=32, rays_per_view=60, polish=PolishConfig(side=64, shrink=(2,), rounds=1, steps=1)
        ),
        refines=RefinementConfig(layers=3, spacings_m=(0.002,), width=16),
        refinement=ReadingTraining(steps=2, batch=1),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, anny):
    out = tmp_path_factory.mktemp("capture") / "net"
    return out, train_capture(small(out), quiet=True)


def test_a_net_and_its_figures_are_left(trained, anny):
    out, metrics = trained
    assert metrics == json.loads((out / "metrics.json").read_text())
    assert metrics["bytes"] == (out / NET_FILE).stat().st_size
    assert metrics["held_out_found"] == 1 and metrics["first_mm"] > 0
    assert (out / ONNX_FILE).stat().st_size > 1000
    net = CaptureNet.read(out / NET_FILE, anny)
    assert net.origin["config"]["moments"] == 3 and "out" not in net.origin["config"]


def test_the_net_predicts_strangers(trained, anny):
    out, _ = trained
    predictor = NetPredictor(CaptureNet.read(out / NET_FILE, anny))
    moment = next(iter(CaptureReader(out / "held_out")))
    found = predictor.predict(list(moment.images), moment.cameras, None)
    assert found.vertices.shape == anny.vertices.shape
    # A net that has seen three steps finds no skin, and says so.
    assert not found.failure or "cameras see" in found.failure
    off = np.linalg.norm(found.vertices - moment.vertices, axis=1)[anny.regions["skin"]]
    assert off.mean() < 0.015  # the tracker's points alone do this
    assert (found.confidence >= 0).all() and (found.confidence <= 1).all()
    assert found.views.max() <= 3
    assert set(found.seconds) == {"fit", "pictures", "refinement", "trust"}
    again = predictor.predict(list(moment.images), moment.cameras, found.world_from_head)
    assert np.linalg.norm(again.vertices - found.vertices, axis=1).mean() < 0.004
    # From a start that is nowhere near, the head is found all the same.
    lost = np.eye(4)
    lost[:3, 3] = 3
    anew = predictor.predict(list(moment.images), moment.cameras, lost)
    assert np.linalg.norm(anew.vertices - found.vertices, axis=1).mean() < 0.004


def test_what_is_finished_is_not_made_again(trained):
    out, metrics = trained
    assert train_capture(small(out), quiet=True) == metrics
    with pytest.raises(InputError, match="moments"):
        train_capture(replace(small(out), moments=4), quiet=True)


def test_a_net_goes_on_from_another(trained, anny, tmp_path):
    out, _ = trained
    parent = CaptureNet.read(out / NET_FILE, anny)
    people = SeedRange(first=500)
    more = replace(small(tmp_path / "more"), from_net=out / NET_FILE)
    more = replace(more, moment=replace(more.moment, people=people, rigs=people))
    train_capture(more, quiet=True)
    net = CaptureNet.read(more.out / NET_FILE, anny)
    assert net.origin["parent"] == parent.digest and net.origin["of_parent"] == parent.origin
    np.testing.assert_array_equal(net.heads.basis, parent.heads.basis)
    theirs = parent.correspondence.state_dict()
    near = [
        torch.nn.functional.cosine_similarity(value.flatten(), theirs[name].flatten(), 0)
        for name, value in net.correspondence.state_dict().items()
        if name.endswith("weight") and value.ndim == 4 and value.any()
    ]
    assert min(near) > 0.5  # weights drawn anew have nothing to do with each other
    wider = replace(more, out=tmp_path / "wider", refines=replace(more.refines, width=24))
    with pytest.raises(InputError, match=r"capture_net\.npz.*width=16.*width=24"):
        train_capture(wider, quiet=True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"moments": 0}, "moments is 0"),
        ({"read": 4}, "read 4 of 3"),
        ({"read": 2}, "read is 2, expected 3 or more"),
        ({"workers": 0}, "workers is 0"),
        ({"first": FirstMeshConfig(side=64)}, "first.side is 64"),
        ({"device": "abacus"}, "abacus"),
        ({"scans": "scans"}, "--scans scans: expected a net"),
    ],
)
def test_nonsense_is_refused(tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        replace(small(tmp_path), **options)
