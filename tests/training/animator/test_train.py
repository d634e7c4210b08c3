"""A whole small run: head, performance, images, tracker, training, package, frames."""

import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from support.killed_runs import finish_mien, kill_mien_when

import mien
from mien.clip import Clip
from mien.errors import InputError, MissingExtraError
from mien.package import verify_package
from mien.tracker.features import FeatureLayout
from mien_exporters.export import ExportConfig, export_runs
from mien_training.animator import dataset, train
from mien_training.animator.dataset import ALL_GROUPS, DriverSequence, SceneJob, record
from mien_training.animator.network import NetworkConfig
from mien_training.animator.train import TrainAnimatorConfig, train_animator
from mien_training.animator.training_loop import FitConfig
from mien_training.rendering.paint import paint_materials
from mien_training.templates import load as load_module
from mien_training.templates import load_template
from mien_training.templates import person as person_module
from mien_training.templates.load import read_template
from mien_training.templates.person import person_template, write_person


@pytest.fixture(scope="module")
def heard():
    """What a report of the run in `finished` is told."""
    return []


@pytest.fixture(scope="module")
def finished(heard, one_thread, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    config = TrainAnimatorConfig(
        out=folder / "run", name="tiny", frames=200, workers=1, device="cpu",
        fit=FitConfig(steps=150, batch=8),
    )  # fmt: skip
    return config, train_animator(config, quiet=True, report=heard.append)


def test_it_learns_from_what_the_tracker_saw(finished):
    config, metrics = finished
    assert metrics["frames"] > 150
    assert metrics["validation_mm"] < 0.9 * metrics["neutral_mm"]  # better than a still face
    assert json.loads((config.out / "metrics.json").read_text())["metrics"] == metrics


def test_a_report_hears_of_recordings_and_steps(finished, heard):
    assert [(p.done, p.total) for p in heard if p.stage == "performing"][-1] == (5, 5)
    assert [p.done for p in heard if p.stage == "training"] == list(range(1, 151))
    assert heard[-1].figures["loss"] > 0


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_at_its_checkpoint_and_called_again_it_ends_the_same(finished, tmp_path):
    config, _ = finished
    out = tmp_path / "run"
    # Where an uninterrupted run stands before its first step; the command finds all of it valid.
    shutil.copytree(config.out / "recordings", out / "recordings")
    for name in ("config.json", "inputs.json"):
        shutil.copy(config.out / name, out)
    command = [
        "train", "animator", "--out", str(out), "--name", "tiny", "--frames", "200", "--workers",
        "1", "--device", "cpu", "--fit.steps", "150", "--fit.batch", "8",
    ]  # fmt: skip
    kill_mien_when((out / "checkpoint.pt").exists, command)
    assert not (out / "metrics.json").exists()  # 50 steps are left
    finish_mien(command)
    made = {p.relative_to(config.out) for p in config.out.rglob("*") if p.is_file()}
    assert made == {p.relative_to(out) for p in out.rglob("*") if p.is_file()}
    # The checkpoint also holds random states of the process that the run draws nothing from.
    for path in made - {Path("checkpoint.pt")}:
        assert (out / path).read_bytes() == (config.out / path).read_bytes(), path


def test_the_run_becomes_a_character_that_moves(finished, tmp_path):
    config, _ = finished
    path = tmp_path / "tiny.mien"
    export_runs(ExportConfig(runs=(config.out,), out=path))
    assert verify_package(path).problems == ()
    character = mien.load(path)
    recording = record(SceneJob(seed=77, frames=30), load_template("anny"))
    columns = character.layout.size
    assert character.layout.groups == ALL_GROUPS and recording.features.shape[1] == columns
    session = character.session(neutral=recording.neutral)
    frames = [
        session.step(x, t) for x, t in zip(recording.features, recording.times_s, strict=True)
    ]
    moved = np.stack([frame.channels for frame in frames])
    assert moved.min() >= 0 and moved.max() <= 1 and moved.std(0).max() > 0.02


def test_a_second_call_has_nothing_left_to_do_and_other_options_are_refused(finished):
    config, metrics = finished
    assert train_animator(config) == metrics
    with pytest.raises(InputError, match="other options"):
        train_animator(replace(config, seed=9))


@pytest.mark.parametrize(
    "wrong",
    [{"frames": 0}, {"seed": -1}, {"look_seed": -2}, {"workers": 0}, {"validation_share": 1.0},
     {"features": ("nonsense",)}, {"features": ()}],
)  # fmt: skip
def test_invalid_options_are_refused_at_once(wrong):
    with pytest.raises(InputError):
        TrainAnimatorConfig(**wrong)
    for make in (lambda: FitConfig(steps=0), lambda: FitConfig(learning_rate=0.0),
                 lambda: NetworkConfig(hidden=0), lambda: NetworkConfig(dropout=1.0)):  # fmt: skip
        with pytest.raises(InputError, match="expected"):
            make()


def test_a_persons_rig_becomes_their_character(tmp_path, short_recordings):
    anny = load_template("anny")
    neutral = (anny.vertices + anny.identity.sample(4)).astype(np.float32)
    person = person_template(anny, "Anna", neutral, 0.9 * anny.shape_deltas)
    (tmp_path / "rig").mkdir()
    write_person(tmp_path / "rig", person, np.full((64, 64, 3), (180, 140, 120), np.uint8))
    config = TrainAnimatorConfig(
        out=tmp_path / "run", rig=tmp_path / "rig", frames=200, workers=1,
        fit=FitConfig(steps=4, batch=2, window=4),
    )  # fmt: skip
    with pytest.raises(InputError, match="recorded person's"):
        train_animator(config)
    with pytest.raises(InputError, match="needs --consent-statement"):
        train_animator(replace(config, consent="self"))
    with pytest.raises(InputError, match="expected the folder of a finished"):
        train_animator(
            replace(config, rig=tmp_path / "none", consent="self", consent_statement="It is me.")
        )
    train_animator(replace(config, consent="self", consent_statement="It is me."))
    export_runs(ExportConfig(runs=(config.out,), out=tmp_path / "anna.mien"))
    character = mien.load(tmp_path / "anna.mien")
    assert character.manifest.name == "Anna"
    assert character.manifest.consent.statement == "It is me."
    smile, own = (r.shape_names.index("mouthSmileLeft") for r in (anny, character.rig))
    far = [np.linalg.norm(d, axis=1).max() for d in (anny.shape_deltas[smile],
           character.rig.shape_deltas[own])]  # fmt: skip
    assert far[1] == pytest.approx(0.9 * far[0], rel=0.01)
    height = np.ptp(character.rig.vertices[:, 1])
    assert height == pytest.approx(np.ptp(neutral[:, 1]), rel=1e-3)


@pytest.fixture
def without_pictures(monkeypatch):
    """Recordings of noise, made in this process, and nothing rendered or exported; lists the
    person files that the parent reads."""
    reads, size = [], FeatureLayout(ALL_GROUPS).size

    def record(job, template):
        rng = np.random.default_rng(job.seed)
        return DriverSequence(
            rng.normal(size=(8, size)).astype(np.float32), np.zeros(size, np.float32),
            rng.random((8, 52)).astype(np.float32), np.arange(8) / 30, True, -1,
        )  # fmt: skip

    def run_in_processes(work, jobs, *_):
        for job in jobs:
            work(job)

    def read(path):
        reads.append(path)
        return read_template(path)

    monkeypatch.setattr(dataset, "record", record)
    monkeypatch.setattr(dataset, "worker_template", lambda *_: None)
    monkeypatch.setattr(dataset, "run_in_processes", run_in_processes)
    small = partial(paint_materials, size=16)
    monkeypatch.setattr(person_module, "paint_materials", small)
    for name in ("animator_onnx", "portrait_png", "write_animator_run"):
        monkeypatch.setattr(train, name, lambda *_: None)
    for module in (person_module, load_module):
        monkeypatch.setattr(module, "read_template", read)
    return reads


def test_what_a_run_reads_is_known_by_content(anny, without_pictures, tmp_path):
    """A rig fitted anew in the same folder, or another clip under the same name, is another run's:
    a finished network would come with a head that it was not trained for."""
    skin = np.full((8, 8, 3), 120, np.uint8)
    folder, path = tmp_path / "rig", tmp_path / "smile.npz"
    folder.mkdir()
    write_person(folder, anny, skin)
    clip = Clip(("jawOpen",), np.arange(30.0), np.zeros((30, 1), np.float32))
    clip.write(path)
    config = TrainAnimatorConfig(
        out=tmp_path / "run", rig=folder, clips=(path,), frames=200, consent="self",
        consent_statement="It is me.", features=("scores",), device="cpu",
        fit=FitConfig(steps=2, batch=2, window=4),
    )  # fmt: skip
    metrics = train_animator(config)
    assert without_pictures == [folder / "person.npz"]  # once, by the parent
    assert metrics["device"] == "cpu"
    record = json.loads((config.out / "metrics.json").read_text())
    assert len(record["inputs"]["rig"]) == 64 and record["history"][-1]["step"] == 2

    write_person(folder, replace(anny, shape_deltas=0.9 * anny.shape_deltas), skin)
    with pytest.raises(InputError, match=r"inputs\.json: changed since this run began: rig;"):
        train_animator(config)
    write_person(folder, anny, skin + 1)
    with pytest.raises(InputError, match="began: materials of the rig;"):
        train_animator(config)
    write_person(folder, anny, skin)
    replace(clip, values=clip.values + 0.5).write(path)
    with pytest.raises(InputError, match=r"began: clip .*smile\.npz;"):
        train_animator(config)
    clip.write(path)
    assert train_animator(config) == metrics
    (config.out / "checkpoint.pt").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"checkpoint\.pt: .*; delete it to start afresh"):
        train_animator(config)


def test_a_device_that_is_not_there_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(MissingExtraError, match="without CUDA"):
        train_animator(TrainAnimatorConfig(out=tmp_path / "run", device="cuda:0"))
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="device 'gpu'"):
        TrainAnimatorConfig(device="gpu")


def test_a_recording_repeats_itself(anny):
    job = SceneJob(seed=5, frames=4, kind="sparse")
    a, b = record(job, anny), record(job, anny)
    assert np.array_equal(a.features, b.features) and np.array_equal(a.weights, b.weights)
    assert not a.sequence and a.identity_seed == -1


def test_a_job_of_an_unknown_kind_or_strength_is_refused(anny):
    with pytest.raises(InputError, match="expected performance, posed, sparse or clip"):
        record(SceneJob(seed=5, frames=4, kind="dance"), anny)
    with pytest.raises(InputError, match="strength 'weird'"):
        record(SceneJob(seed=5, frames=4, kind="sparse", strength="weird"), anny)


def test_a_template_of_one_person_has_no_other_identities(anny):
    template = replace(anny, identity=None)
    with pytest.raises(InputError, match="one person only"):
        record(SceneJob(seed=1, frames=2, kind="sparse", identity_seed=5), template)
