"""A net is kept whole in one file, and every damage is named."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.errors import InputError
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.first_mesh import FirstMeshConfig
from mien_training.capture.morphable import LinearHeads
from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig


@pytest.fixture(scope="module")
def net(anny):
    torch.manual_seed(0)
    correspondence = CorrespondenceNet((8, 16), 1)
    torch.nn.init.normal_(correspondence.unet.last.weight)
    refines = RefinementConfig(layers=3, spacings_m=(0.002,), width=16)
    heads = LinearHeads(anny.vertices, anny.shape_deltas[:3], np.array([0.3, 0.2, 0.1]))
    linear = LinearStep(anny, LinearStepConfig(controls=20, rank=3))
    for buffer in (linear.told, linear.into, linear.out, linear.left, linear.off):
        torch.nn.init.normal_(buffer)
    return CaptureNet(
        anny, heads, correspondence, linear, Refinement(anny, correspondence.features, refines),
        FirstMeshConfig(side=64), {"seed": 3},
    )  # fmt: skip


@pytest.fixture(scope="module")
def reading(seen_head, anny, net):
    """As the net's features ask for."""
    pose = seen_head.world_from_head
    truth = ((seen_head.vertices - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
    features = net.correspondence.features
    return perfect_reading(anny, seen_head, truth, features=features)


@pytest.fixture
def path(net, tmp_path):
    path = tmp_path / "net.npz"
    net.write(path)
    return path


def test_round_trip(net, anny, path):
    back = CaptureNet.read(path, anny)
    assert back.digest == net.digest and back.origin == {"seed": 3}
    assert back.first == net.first and back.refinement.config == net.refinement.config
    assert back.linear.config == net.linear.config
    for name in ("correspondence", "linear", "refinement"):
        theirs = getattr(back, name).state_dict()
        for key, value in getattr(net, name).state_dict().items():
            torch.testing.assert_close(theirs[key], value, atol=2e-3, rtol=1e-3)
    assert not back.correspondence.training
    # What was read is what is written again.
    again = path.with_name("again.npz")
    back.write(again)
    assert CaptureNet.read(again, anny).digest == net.digest


def test_without_a_net_over_the_mesh(net, anny, tmp_path):
    first = replace(net.first, polish=None)
    bare = replace(net, refinement=None, first=first)
    bare.write(tmp_path / "bare.npz")
    back = CaptureNet.read(tmp_path / "bare.npz", anny)
    assert back.refinement is None and back.first == first
    assert back.digest == bare.digest != net.digest


def test_skin_is_corrected_by_what_there_is(net, reading):
    corrected = net.corrected(reading)
    skin, spread = net.refinement(corrected.reading)[-1]
    np.testing.assert_array_equal(corrected.places, skin.detach().numpy())
    np.testing.assert_array_equal(corrected.spread, spread.detach().numpy())
    bare = replace(net, refinement=None).corrected(reading)
    step = net.linear(reading).numpy()
    np.testing.assert_allclose(
        bare.places, reading.start[net.linear.chosen.numpy()] + step, atol=1e-6
    )
    np.testing.assert_allclose(bare.spread, 1e-3 * net.linear.off.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"told": None}, "told"),
        ({"template/vertices": None}, "template/vertices"),
        ({"template/vertices": np.full((6540, 3), "x")}, "template/vertices"),
        ({"heads/variances": np.array([-1.0, 1, 1])}, "damaged"),
        ({"correspondence/unet.first.weight": None}, "damaged"),
        ({"refinement/passes.0.token": np.zeros((3, 3), np.float16)}, "damaged"),
    ],
)
def test_damage_is_named(path, anny, damage, said):
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files} | damage
    np.savez(path, **{name: value for name, value in kept.items() if value is not None})
    with pytest.raises(InputError, match=f"net.npz.*{said}"):
        CaptureNet.read(path, anny)


def test_a_template_that_was_rounded_otherwise_is_the_same(net, anny, path):
    noise = np.random.default_rng(0).normal(0, 1e-7, anny.vertices.shape)
    other = replace(anny, vertices=(anny.vertices + noise).astype(np.float32))
    assert CaptureNet.read(path, other).origin == net.origin


def test_of_another_template_or_version_or_not_there(path, anny, head_template):
    with pytest.raises(InputError, match=r"net\.npz.*topology_sha256.*'anny'"):
        CaptureNet.read(path, head_template)
    with np.load(path) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    lower = kept | {"template/vertices": kept["template/vertices"] - np.float32(0.002)}
    np.savez(path, **lower)
    with pytest.raises(InputError, match=r"net\.npz.*template/vertices.*'anny'"):
        CaptureNet.read(path, anny)
    told = json.loads(kept["told"].item()) | {"format": 99}
    kept["told"] = np.array(json.dumps(told))
    np.savez(path, **kept)
    with pytest.raises(InputError, match="99"):
        CaptureNet.read(path, anny)
    with pytest.raises(InputError, match="not there"):
        CaptureNet.read(path.with_name("none.npz"), anny)
