"""`mien info` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.packages import tiny_content
from support.splat_avatars import avatar_package

from mien.__main__ import main
from mien.package import read_package, write_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "s.mien", *tiny_content())


def test_json_is_the_manifest(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(package), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_package(package).manifest.to_dict()


def test_text_tells_what_a_host_needs(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(package)]) == 0
    text = capsys.readouterr().out
    for word in ("Sphere", "CC0-1.0", "nobody is shown", "jawOpen", "head_rotation", "x[batch"):
        assert word in text


def test_text_tells_of_an_avatar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(avatar_package(tmp_path / "s.mien"))]) == 0
    assert "195 Gaussians, 5 maps; synthetic: Random colours" in capsys.readouterr().out


def test_refusal_is_one_line_without_traceback(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package.write_bytes(package.read_bytes()[:-40])
    assert main(["info", str(package)]) == 1
    streams = capsys.readouterr()
    assert streams.out == "" and len(streams.err.strip().splitlines()) == 1
    assert "is no zip file" in streams.err
