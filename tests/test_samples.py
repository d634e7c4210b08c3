"""The samples run as they stand, as their docstrings say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.packages import tiny_content

from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien.package import write_package

SAMPLES = Path(__file__).parents[1] / "samples"


def run(name: str, *arguments: Path) -> str:
    command = [sys.executable, str(SAMPLES / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    return write_package(tmp_path_factory.mktemp("package") / "sphere.mien", *tiny_content())


def test_pose_a_rig(package, tmp_path):
    out = tmp_path / "posed.obj"
    assert "vertices posed" in run("01_pose_a_rig.py", package, out)
    kinds = [line.split()[0] for line in out.read_text().splitlines()]
    assert kinds.count("v") == kinds.count("vn") > 100 and kinds.count("f") > 100


def test_drive_in_process(package, tmp_path, shared_data):
    picture = Image.open(shared_data("images_nasa/astronaut.png")).convert("RGB")
    for index in range(3):
        picture.save(tmp_path / f"{index}.png")
    out = tmp_path / "take.csv"
    lines = run("02_drive_in_process.py", package, tmp_path, out).splitlines()
    assert len(lines) == 4 and lines[2].endswith("confidence 1.00")
    assert lines[3].startswith("3 frames (3 of 3 tracked") and len(Clip.read(out)) == 3


def test_convert_a_take(tmp_path):
    times = np.arange(31) / 30
    values = np.random.default_rng(0).random((31, 52), np.float32)
    Clip(ARKIT_CHANNELS, times, values).write(tmp_path / "take.csv")
    run("03_convert_a_take.py", tmp_path / "take.csv", tmp_path / "take.npz")
    mirrored = Clip.read(tmp_path / "take.npz")
    assert len(mirrored) == 61 and mirrored.rate_hz == pytest.approx(60)
    np.testing.assert_allclose(
        mirrored["mouthLeft"][::2], values[:, ARKIT_CHANNELS.index("mouthRight")], atol=1e-4
    )
