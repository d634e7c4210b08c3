"""The whole chain through the command line, small: demo, then its character driven by a take."""

import json
import subprocess
import sys

import numpy as np
import pytest

import mien
from mien.__main__ import main
from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien.glb import read_weights_animation
from mien.package import verify_package
from mien.video import VideoWriter, demo_video, read_frames

FRAMES = 24


def command(*words: object) -> dict:
    """Run `mien ...`; the one JSON object on its stdout."""
    line = [sys.executable, "-m", "mien", *map(str, words), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    video = folder / "man.mp4"
    with VideoWriter(video) as writer:
        for frame, _ in zip(read_frames(str(demo_video())), range(FRAMES), strict=False):
            writer.write(frame.image)
    report = command(
        "demo", "--video", video, "--out", folder / "out", "--train.name", "Small",
        "--train.frames", 200, "--train.fit.steps", 30,
    )  # fmt: skip
    return folder / "out", report


def test_everything_that_the_readme_promises_is_there(demo):
    out, report = demo
    assert report["frames"] == report["tracked"] == FRAMES
    assert report["metrics"]["validation_mm"] > 0
    for name in ("take.csv", "animation.glb", "preview.mp4", "contact_sheet.png", "report.json"):
        assert (out / name).stat().st_size > 100, name
    assert verify_package(out / "character.mien").problems == ()
    assert sum(1 for _ in read_frames(str(out / "preview.mp4"))) == FRAMES


def test_the_take_moves_and_every_file_says_the_same(demo):
    out, _ = demo
    clip = Clip.read(out / "take.csv").select(ARKIT_CHANNELS)
    assert len(clip.times_s) == FRAMES and clip.values.std(0).max() > 0.01
    weights = animated_weights(out / "animation.glb")
    np.testing.assert_allclose(weights, clip.values, atol=1e-3)


def test_a_real_take_drives_the_character(demo, shared_data, tmp_path):
    out, _ = demo
    source, animated = shared_data("livelink_rom/alex_rom_3.csv"), tmp_path / "anim.glb"
    report = command(
        "drive", out / "character.mien", source, "--out", animated, tmp_path / "take.csv",
        "--limit", 600,
    )  # fmt: skip
    assert report["frames"] == 600
    clip = Clip.read(source).select(ARKIT_CHANNELS)
    expected = clip.values[:600].clip(0, 1)
    np.testing.assert_allclose(animated_weights(animated), expected, atol=1e-6)
    again = Clip.read(tmp_path / "take.csv").select(ARKIT_CHANNELS)
    # A CSV keeps what the phone overshoots; glTF weights cannot.
    np.testing.assert_allclose(again.values, clip.values[:600], atol=1e-6)
    assert mien.load(out / "character.mien").name == "Small"


def animated_weights(path) -> np.ndarray:
    """(T, 52) the weights that the file's animation gives the face, in ARKit order."""
    return read_weights_animation(path.read_bytes()).select(ARKIT_CHANNELS).values


def test_a_video_that_is_not_there_is_said_before_any_training(tmp_path, capsys):
    assert main(["demo", "--video", str(tmp_path / "no.mp4"), "--out", str(tmp_path / "d")]) == 2
    assert "no.mp4: no such file" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
