"""`mien verify` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.packages import tiny_content

from mien.__main__ import main
from mien.package import write_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "s.mien", *tiny_content())


def test_sound(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(package)]) == 0
    assert "sound (2 files checked)" in capsys.readouterr().out


def test_every_problem_is_told(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(package.read_bytes())
    for content in tiny_content()[1].values():
        data[data.index(content) + len(content) // 2] ^= 1
    package.write_bytes(data)
    assert main(["verify", str(package), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert not report["ok"] and report["checked"] == []
    assert ["animator.onnx: altered" in report["problems"][0],
            "character.glb: altered" in report["problems"][1]] == [True, True]  # fmt: skip
    assert main(["verify", str(package)]) == 1
    streams = capsys.readouterr()
    assert streams.out == "" and streams.err.count("altered") == 2


def test_absent_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path / "none.mien")]) == 1
    assert "there is no such package" in capsys.readouterr().err
