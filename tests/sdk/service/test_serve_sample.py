"""samples/04_serve_and_stream.py against a server: two processes besides this one's."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support.service import serving

SAMPLE = Path(__file__).parents[3] / "samples" / "04_serve_and_stream.py"


@pytest.fixture
def images(tmp_path, shared_data):
    image = Image.open(shared_data("images_nasa/astronaut.png")).convert("RGB")
    for index in range(3):
        image.save(tmp_path / f"{index}.png")
    return tmp_path


def test_the_sample_runs(server, images):
    command = [sys.executable, str(SAMPLE), "Sphere", str(images), server.address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    offered, *frames = done.stdout.splitlines()
    assert offered == f"{server.address} offers Sphere: 3 channels"
    assert [line.split()[0] for line in frames] == ["0.000", "0.033", "0.067"]


def test_a_wrong_name_is_told_as_such(registry, images):
    with serving(registry) as server:
        command = [sys.executable, str(SAMPLE), "nobody", str(images), server.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "there is no character 'nobody'" in done.stderr
