"""`mien serve` in another process: it says where, answers, and stops in order when told to."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from support.service import NEUTRAL, take, write_sphere

import mien
from mien.__main__ import main
from mien.service.client import connect

DEADLINE_S = 60


def start(*words):
    """The process and the address that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "serve", *map(str, words), "--address", "127.0.0.1:0",
         "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    line = process.stdout.readline()
    if not line:
        process.wait(DEADLINE_S)
        pytest.fail(process.stderr.read())
    return process, json.loads(line)


@pytest.fixture
def package(tmp_path):
    return write_sphere(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_client_in_another_process(package, tmp_path, number):
    process, ready = start(package)
    try:
        assert ready["characters"] == ["Sphere"] and not ready["tls"]
        moments = take(30)
        local = mien.load(package).session(neutral=NEUTRAL)
        expected = [local.step(*moment).channels for moment in moments]
        with connect(ready["address"]) as client:
            with client.session("Sphere", neutral=NEUTRAL) as session:
                got = list(session.stream(moments))
            copy = client.download("Sphere", tmp_path / "copy.mien")
        assert [frame.time_s for frame in got] == [time_s for _, time_s in moments]
        np.testing.assert_allclose([frame.channels for frame in got], expected, atol=1e-6)
        assert copy.read_bytes() == package.read_bytes()
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0, process.stderr.read()
    finally:
        process.kill()
        process.wait(DEADLINE_S)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["absent.mien"], "absent.mien"),
        (["{package}", "--address", "0.0.0.0:0"], "can be reached from other machines"),
        (["{package}", "{package}"], "two packages hold a character named 'Sphere'"),
        (["{package}", "--tls-cert", "a.pem"], "go together"),
        (["{package}", "--token-file", "absent"], "cannot read the token file"),
        (["{package}", "--limits.mailbox-frames", "0"], "limit mailbox_frames is 0"),
        (["{package}", "--tracking-threads", "0"], "tracking_threads is 0"),
        (["{package}", "--address", "here"], "is not HOST:PORT"),
        (["{package}", "--limits.max-package-bytes", "1000"], "expected at most 1000"),
        (["{package}", "--limits.max-calibration-frames", "601"], "expected at most 600"),
        (["{package}", "--threads", "0"], "threads is 0"),
    ],
)
def test_wrong_calls(package, capsys, words, expected):
    assert main(["serve", *(word.format(package=package) for word in words)]) == 2
    assert expected in capsys.readouterr().err


def test_a_port_that_is_taken(package, capsys):
    process, ready = start(package)
    try:
        assert main(["serve", str(package), "--address", ready["address"]]) == 1
        assert "cannot listen on" in capsys.readouterr().err
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
