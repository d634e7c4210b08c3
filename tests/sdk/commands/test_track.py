"""`mien track`: refused before any work, or saved until the end, Ctrl-C or SIGTERM."""

import json
import os
import signal

import pytest
from support.fake_footage import FakeCamera, FakeTracker, fake_file

from mien.__main__ import main
from mien.clip import Clip
from mien.commands import source_options


@pytest.fixture
def fake_tracker(monkeypatch) -> FakeTracker:
    tracker = FakeTracker(without=(0,), presence=0.625)
    monkeypatch.setattr(source_options, "Tracker", lambda **_: tracker)
    return tracker


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--out", "a.txt"], "expected a .csv or .npz file"),
        (["--out", "nowhere/a.csv"], "there is no folder 'nowhere'"),
        (["--out", "a.csv", "--limit", "-5"], "--limit is -5, expected 1 or more"),
        (["--out", "a.csv", "--min-face", "2"], "--min-face is 2.0, expected 0 to 1"),
        (["--out", "a.csv"], "none.mp4: no such file"),
        ([], "--out names no file"),
    ],
)
def test_calls_that_cannot_end_well_are_refused(options, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["track", "none.mp4", *options]) == 2
    assert complaint in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


def test_the_report_says_how_sure_it_was(fake_tracker, monkeypatch, tmp_path, capsys):
    out = tmp_path / "a.npz"
    source = fake_file(monkeypatch, 4)
    assert main(["track", source, "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 4 and report["tracked"] == len(Clip.read(out)) == 3
    assert report["presence_median"] == report["presence_p5"] == 0.625
    assert main(["track", source, "--out", str(out)]) == 0
    assert "a.npz: 3 of 4 tracked, presence median 0.6" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_camera_is_stopped_by_a_signal_and_the_clip_is_saved(
    number, fake_tracker, monkeypatch, tmp_path, capsys
):
    camera = FakeCamera(monkeypatch, until=4, then=lambda: os.kill(os.getpid(), number))
    camera.tracker = fake_tracker
    out = tmp_path / "a.csv"
    assert main(["track", "camera:0", "--out", str(out)]) == 0
    assert f"{out}: interrupted, kept " in capsys.readouterr().out
    assert len(Clip.read(out)) >= 2 and camera.closed.is_set()


def test_a_camera_can_be_watched_without_a_file(fake_tracker, monkeypatch, capsys):
    camera = FakeCamera(monkeypatch, 4, lambda: os.kill(os.getpid(), signal.SIGINT))
    camera.tracker = fake_tracker
    assert main(["track", "camera:0"]) == 0
    assert "camera:0: interrupted, kept " in capsys.readouterr().out


def test_nothing_is_written_where_no_face_was(fake_tracker, monkeypatch, tmp_path, capsys):
    out = tmp_path / "a.csv"
    assert main(["track", fake_file(monkeypatch, 1), "--out", str(out)]) == 1
    assert "no face was found in any of the 1 frames" in capsys.readouterr().err
    assert not out.exists()
