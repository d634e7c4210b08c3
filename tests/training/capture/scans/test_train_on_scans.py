"""A stage comes nearer to scans, or stays what it was; held-out moments are spread."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.capture.learning.scan_reading import FaceSight, ScanReading
from mien_training.capture.learning.train_on_readings import ReadingTraining
from mien_training.capture.refinement.refinement import Refinement, RefinementConfig
from mien_training.capture.refinement.scan_loss import ScanLoss, ScanTarget, ScanTerms
from mien_training.capture.scans.train_on_scans import (
    ScanTraining,
    held_out_moments,
    scan_distances_mm,
    train_on_scans,
)
from mien_training.capture.skin_regions import skin_regions
from mien_training.runs.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def stage(anny):
    torch.manual_seed(0)
    return Refinement(anny, 2, RefinementConfig(layers=3, spacings_m=(0.002,), width=16))


@pytest.fixture(scope="module")
def moment(seen_head, anny, stage, tmp_path_factory):
    """The first mesh is off by a wave, the scan of the face is true; no registration."""
    plain = perfect_reading(anny, seen_head, anny.vertices)
    truth = plain.truth
    start = (truth + 0.003 * np.sin(40 * truth[:, [1, 2, 0]])).astype(np.float32)
    reading = replace(plain, start=start, truth=np.zeros((0, 3), np.float32))
    face = skin_regions(anny)["face"]
    with torch.no_grad():
        places, spread = stage(reading)[-1]
    found = ScanReading(
        reading, truth[face], vertex_normals(truth, anny.triangles)[face], places.numpy(),
        spread.numpy(), FaceSight.none(),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("scan") / "1.npz"
    found.write(path)
    return path


def options(steps, rate=2e-3):
    return ScanTraining(ReadingTraining(steps=steps, batch=1, learning_rate=rate), points=500)


def copied(stage, anny):
    own = Refinement(anny, 2, RefinementConfig(layers=3, spacings_m=(0.002,), width=16))
    own.load_state_dict(stage.state_dict())
    return own


def test_it_comes_nearer_and_interrupted_ends_the_same(stage, moment, anny, tmp_path, one_thread):
    loss = ScanLoss.of(anny, stage.chosen, ScanTerms())
    whole, halved = copied(stage, anny), copied(stage, anny)
    tuned = train_on_scans(whole, loss, options(12, 4e-3), [moment], [moment])
    assert tuned.after["error"] < 0.97 * tuned.before["error"]
    assert tuned.after["error"] == tuned.trained.error

    class Enough(Exception):
        pass

    def stop(progress):
        if progress.done == 7:
            raise Enough

    kept = Checkpoint(tmp_path / "kept.pt", {})
    with pytest.raises(Enough):
        train_on_scans(halved, loss, options(12, 4e-3), [moment], [moment], kept, stop)
    again = copied(stage, anny)
    assert train_on_scans(again, loss, options(12, 4e-3), [moment], [moment], kept) == tuned
    for one, two in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, two)


def test_what_becomes_worse_is_not_kept(stage, moment, anny):
    own = copied(stage, anny)
    loss = ScanLoss.of(anny, stage.chosen, ScanTerms())
    tuned = train_on_scans(own, loss, options(2, rate=0.3), [moment], [moment])
    assert tuned.trained.error > tuned.before["error"] and tuned.after == tuned.before
    for one, two in zip(own.parameters(), stage.parameters(), strict=True):
        assert torch.equal(one, two)


def test_distances_are_nothing_at_the_truth(stage, moment, anny, seen_head):
    pose = seen_head.world_from_head
    truth = ((seen_head.vertices - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
    target = ScanTarget.of(ScanReading.read(moment), stage.chosen)
    loss = ScanLoss.of(anny, stage.chosen, ScanTerms())
    far = scan_distances_mm(loss, torch.from_numpy(truth)[stage.chosen], target)
    assert far.shape == (len(target.points),) and float(far.max()) < 1e-3


def test_held_out_moments():
    assert held_out_moments(2, 0.2) in ([0], [1])
    assert held_out_moments(10, 0.2) == [2, 7]
    for count in range(2, 40):
        held = held_out_moments(count, 0.5)
        assert 0 < len(held) < count and set(held) <= set(range(count))


@pytest.mark.parametrize("wrong", [{"points": 0}, {"held_out": 0.0}, {"held_out": 0.6}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError, match="ScanTraining"):
        ScanTraining(**wrong)
