"""What a command says while it runs."""

import io

import pytest
from rich.console import Console
from support.fake_footage import face

from mien.commands import live_status
from mien.commands.live_status import LiveStatus
from mien.tracked_source import SeenFrame


def test_rate_latency_confidence_and_drops_are_shown(monkeypatch):
    clock = [10.0]
    monkeypatch.setattr(live_status.time, "perf_counter", lambda: clock[0])
    text = io.StringIO()
    with LiveStatus("driving Ada", Console(file=text, width=120)) as status:
        for index in range(5):
            clock[0] += 0.05
            status.image(SeenFrame(index / 30, (4, 3), face(index), clock[0] - 0.02, 3 * index))
        assert status.rate_hz == pytest.approx(20)
        status.frame(latency_s=0.031, confidence=0.5)
    last = text.getvalue().splitlines()[-1]
    assert "driving Ada" in last and "5/?" in last
    assert "20.0 fps, 31 ms, confidence 0.50, 12 dropped" in last


def test_nothing_is_shown_before_the_first_image():
    text = io.StringIO()
    with LiveStatus("driving Ada", Console(file=text)):
        pass
    assert text.getvalue() == ""
