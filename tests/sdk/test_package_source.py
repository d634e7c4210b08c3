"""Zip and folder give the same files. Damages: tests/hostile."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.package_source import FolderSource, ZipSource, open_source

NAMES = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}\.bin", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=6), st.booleans())
def test_any_content_comes_back(files: dict[str, bytes], deflated: bool) -> None:
    files = {"manifest.json": b"{}", **files}
    buffer = BytesIO()
    method = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = buffer.getvalue()
    source = ZipSource(data, "t.mien")
    assert source.sizes == {name: len(data) for name, data in files.items()}
    assert {name: source.read(name) for name in files} == files


def test_folder_entries_of_a_zip_are_passed_over() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", b"{}")
        archive.writestr("clips/", b"")
        archive.writestr("clips/a.npz", b"a")
    assert set(ZipSource(buffer.getvalue(), "t.mien").sizes) == {"manifest.json", "clips/a.npz"}


def test_folder_skips_what_is_hidden(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("manifest.json", "clips/a.npz", ".DS_Store", ".git/config", "clips/.x"):
        (tmp_path / name).write_bytes(name.encode())
    source = FolderSource(tmp_path)
    assert set(source.sizes) == {"manifest.json", "clips/a.npz"}
    assert source.read("clips/a.npz") == b"clips/a.npz"


def test_what_happens_on_disk_afterwards_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "manifest.json").write_bytes(b"{}")
    with zipfile.ZipFile(tmp_path / "t.mien", "w") as archive:
        archive.writestr("manifest.json", b"{}")
    sources = [open_source(tmp_path / "f"), open_source(tmp_path / "t.mien")]
    (tmp_path / "f" / "manifest.json").write_bytes(b'{"other": 1}')
    (tmp_path / "t.mien").unlink()
    assert [source.read("manifest.json") for source in sources] == [b"{}", b"{}"]


def test_stored_files_are_views_of_the_zip() -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", bytes(range(256)) * 20)
        archive.writestr("a.bin", bytes(5000), zipfile.ZIP_DEFLATED)
    data = buffer.getvalue()
    source = ZipSource(data, "t.mien")
    assert source.view("manifest.json").obj is data
    assert source.unpacks("manifest.json") == 0
    assert source.view("a.bin").readonly and source.unpacks("a.bin") == 5000


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's list of open files")
def test_nothing_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "t.mien"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", b"{}")
    source = open_source(path)
    source.read("manifest.json")
    links = [Path("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd")]  # noqa: PTH208
    assert str(path) not in [str(link.readlink()) for link in links if link.is_symlink()]
