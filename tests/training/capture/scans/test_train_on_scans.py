"""The linear step comes nearer to scans, or stays what it was; held-out moments are spread."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from support.readings import perfect_reading

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.capture.learning.scan_reading import FaceSight, ScanReading
from mien_training.capture.refinement.linear_step import LinearStep, LinearStepConfig
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
def step(anny):
    found = LinearStep(anny, LinearStepConfig(controls=60, rank=2))
    rng = torch.Generator().manual_seed(0)
    for name in ("told", "into", "out"):
        buffer = getattr(found, name)
        buffer.copy_(0.1 * torch.randn(buffer.shape, generator=rng))
    return found


@pytest.fixture(scope="module")
def moments(seen_head, anny, step, tmp_path_factory):
    """Two, whose first meshes are off by a wave, moved by pictures in different ways; the scan of
    the face is true; no registration."""
    plain = perfect_reading(anny, seen_head, anny.vertices)
    truth = plain.truth
    start = (truth + 0.003 * np.sin(40 * truth[:, [1, 2, 0]])).astype(np.float32)
    reading = replace(plain, start=start, fitted=start, truth=np.zeros((0, 3), np.float32))
    face = skin_regions(anny)["face"]
    folder, paths = tmp_path_factory.mktemp("scan"), []
    for number, along in enumerate((0, 1)):
        moved = start.copy()
        moved[:, along] += np.float32(0.02)
        own = replace(reading, fitted=moved)
        paths.append(folder / f"{number}.npz")
        ScanReading(
            own, truth[face], vertex_normals(truth, anny.triangles)[face],
            step.applied(own).start[step.chosen.numpy()], FaceSight.none(),
        ).write(paths[-1])  # fmt: skip
    return paths


@pytest.fixture(scope="module")
def moment(moments):
    return moments[0]


def options(steps, rate=0.1):
    return ScanTraining(steps, batch=1, learning_rate=rate, points=500)


def test_it_comes_nearer_and_interrupted_ends_the_same(step, moments, anny, tmp_path, one_thread):
    moment = moments[0]
    loss = ScanLoss.of(anny, step.chosen, ScanTerms())
    tuned = train_on_scans(step, loss, options(12), moments, [moment])
    assert not torch.equal(tuned.linear.out, step.out)  # what depends on the moment learns, too
    assert tuned.after["error"] < 0.9 * tuned.before["error"]
    assert tuned.after["error"] == tuned.trained.error
    # What is left is as near as was said.
    reading = tuned.linear.applied(ScanReading.read(moment).reading)
    found = torch.from_numpy(reading.start)[step.chosen]
    target = ScanTarget.of(ScanReading.read(moment), step.chosen)
    median = float(scan_distances_mm(loss, found, target).median())
    assert median == pytest.approx(tuned.after["median"], rel=1e-3)

    class Enough(Exception):
        pass

    def stop(progress):
        if progress.stage == "learning from scans" and progress.done == 7:
            raise Enough

    kept = Checkpoint(tmp_path / "kept.pt", {})
    with pytest.raises(Enough):
        train_on_scans(step, loss, options(12), moments, [moment], kept, stop)
    again = train_on_scans(step, loss, options(12), moments, [moment], kept)
    assert (again.after, again.trained) == (tuned.after, tuned.trained)
    for name, value in again.linear.state_dict().items():
        assert torch.equal(value, tuned.linear.state_dict()[name])


def test_what_becomes_worse_is_not_kept(step, moment, anny):
    loss = ScanLoss.of(anny, step.chosen, ScanTerms())
    tuned = train_on_scans(step, loss, options(2, rate=30.0), [moment], [moment])
    assert tuned.trained.error > tuned.before["error"] and tuned.after == tuned.before
    assert tuned.linear is step


def test_distances_are_nothing_at_the_truth(step, moment, anny, seen_head):
    pose = seen_head.world_from_head
    truth = ((seen_head.vertices - pose[:3, 3]) @ pose[:3, :3]).astype(np.float32)
    target = ScanTarget.of(ScanReading.read(moment), step.chosen)
    loss = ScanLoss.of(anny, step.chosen, ScanTerms())
    far = scan_distances_mm(loss, torch.from_numpy(truth)[step.chosen], target)
    assert far.shape == (len(target.points),) and float(far.max()) < 1e-3


def test_held_out_moments():
    assert held_out_moments(2, 0.2) in ([0], [1])
    assert held_out_moments(10, 0.2) == [2, 7]
    for count in range(2, 40):
        held = held_out_moments(count, 0.5)
        assert 0 < len(held) < count and set(held) <= set(range(count))


@pytest.mark.parametrize(
    "wrong", [{"points": 0}, {"learning_rate": 0.0}, {"held_out": 0.0}, {"held_out": 0.6}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InputError, match="ScanTraining"):
        ScanTraining(**wrong)
