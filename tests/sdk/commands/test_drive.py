"""`mien drive`: refused before any work, or recorded until the end, Ctrl-C or SIGTERM."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from support.fake_footage import FakeCamera, FakeTracker, fake_file, images

from mien import recording as recording_module
from mien.__main__ import main
from mien.clip import Clip
from mien.commands import source_options

GOLDEN = Path(__file__).parents[2] / "golden"
SPHERE = str(GOLDEN / "sphere.mien")


@pytest.fixture
def fake_tracker(monkeypatch) -> FakeTracker:
    tracker = FakeTracker(without=(2,), presence=0.875)
    monkeypatch.setattr(source_options, "Tracker", lambda **_: tracker)
    return tracker


@contextmanager
def serving(package):
    """The address of `mien serve` in another process."""
    words = [sys.executable, "-m", "mien", "serve", package, "--address", "127.0.0.1:0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()
            process.wait(60)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "x.csv", "x.xyz"], "the suffix must be one of .csv, .npz"),
        (["--out", "nowhere/x.csv"], "there is no folder 'nowhere'"),
        (["--out"], "--out names no file"),
        ([], "--out names no file"),
        (["--out", "x.csv", "--limit", "0"], "--limit is 0, expected 1 or more"),
        (["--out", "x.csv", "--min-presence", "1.2"], "--min-presence is 1.2, expected 0 to 1"),
        (["--out", "x.csv", "--min-face", "-1"], "--min-face is -1.0, expected 0 to 1"),
        (["--out", "x.csv", "--token-file", "t"], "go with --server"),
    ],
)
def test_calls_that_cannot_end_well_are_refused_before_anything_is_read(
    options, complaint, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["drive", "none.mien", "none.mp4", *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_a_clip_does_not_stream_through_a_server(tmp_path, capsys):
    out = str(tmp_path / "x.csv")
    assert main(["drive", SPHERE, "a.npz", "--out", out, "--server", "127.0.0.1:1"]) == 2
    assert "'a.npz' is a clip" in capsys.readouterr().err


def test_cuda_that_is_not_there_is_one_sentence(tmp_path, capsys):
    out = str(tmp_path / "x.csv")
    source = str(GOLDEN / "astronaut.jpg")
    assert main(["drive", SPHERE, source, "--out", out, "--device", "cuda"]) == 1
    error = capsys.readouterr().err
    assert "pip install 'mien[gpu]'" in error and len(error.strip().splitlines()) == 1


def test_the_report_says_how_sure_it_was(fake_tracker, monkeypatch, tmp_path, capsys):
    source, out = fake_file(monkeypatch, 5), tmp_path / "x.npz"
    assert main(["drive", SPHERE, source, "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == {
        "character": "Sphere", "source": source, "frames": 5, "tracked": 4, "dropped": 0,
        "presence_median": 0.875, "presence_p5": 0.875, "contradicted": {}, "interrupted": False,
        "out": [str(out)], "not_written": [],
    }  # fmt: skip
    assert main(["drive", SPHERE, source, "--out", str(out)]) == 0
    assert "5 frames (4 of 5 tracked, presence median 0.8" in capsys.readouterr().out


def test_a_clip_drives_too(tmp_path, capsys):
    clip = Clip(("jawOpen",), np.array([0.0, 0.1]), np.array([[0.1], [0.2]]))
    clip.write(tmp_path / "in.npz")
    words = ["drive", SPHERE, str(tmp_path / "in.npz"), "--out", str(tmp_path / "out.npz")]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tracked"] is None
    np.testing.assert_array_equal(Clip.read(tmp_path / "out.npz")["jawOpen"], clip["jawOpen"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_camera_is_stopped_by_a_signal_and_the_take_is_saved(
    number, fake_tracker, monkeypatch, tmp_path, capsys
):
    camera = FakeCamera(monkeypatch, until=4, then=lambda: os.kill(os.getpid(), number))
    camera.tracker = fake_tracker
    out = tmp_path / "x.npz"
    assert main(["drive", SPHERE, "camera:0", "--out", str(out), "--json"]) == 0
    streams = capsys.readouterr()
    report = json.loads(streams.out)
    assert report["interrupted"] and report["frames"] == len(Clip.read(out)) >= 3
    assert camera.closed.is_set()
    assert "fps" in streams.err and "dropped" in streams.err


def test_a_camera_can_be_watched_without_a_file(fake_tracker, monkeypatch, capsys):
    camera = FakeCamera(monkeypatch, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
    camera.tracker = fake_tracker
    assert main(["drive", SPHERE, "camera:0"]) == 0
    assert capsys.readouterr().out.startswith("Sphere: interrupted after ")


def test_a_file_that_is_interrupted_says_what_was_kept(fake_tracker, monkeypatch, tmp_path, capsys):
    def terminated_while_writing(path, take):
        if path.suffix == ".png":
            os.kill(os.getpid(), signal.SIGTERM)
        recording_writes(path, take)

    recording_writes = recording_module.write_take
    monkeypatch.setattr(recording_module, "write_take", terminated_while_writing)
    files = [str(tmp_path / name) for name in ("x.png", "x.npz")]
    assert main(["drive", SPHERE, fake_file(monkeypatch, 3), "--out", *files]) == 1
    said = capsys.readouterr().out
    assert "kept 3 frames (2 of 3 tracked, presence median 0.88, " in said
    assert f"-> {files[1]}; not written: {files[0]}" in said
    assert len(Clip.read(tmp_path / "x.npz")) == 3


def test_sigterm_means_what_it_meant_before_after_the_command(fake_tracker, monkeypatch, tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    main(["drive", SPHERE, fake_file(monkeypatch, 2), "--out", str(tmp_path / "x.npz")])
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_gives_the_same_frames(fake_tracker, monkeypatch, tmp_path):
    """Through `--server` the same loop drives a session of another process."""
    source = fake_file(monkeypatch, 5)
    here, there = tmp_path / "here.npz", tmp_path / "there.npz"
    assert main(["drive", SPHERE, source, "--out", str(here)]) == 0
    with serving(SPHERE) as address:
        words = ["drive", SPHERE, source, "--out", str(there), "--server", address]
        assert main(words) == 0
    assert len(list(images(5))) == len(Clip.read(there))
    np.testing.assert_allclose(Clip.read(there).values, Clip.read(here).values, atol=1e-6)
