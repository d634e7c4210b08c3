"""Packages that are folders: links, pipes and what is missing."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.damaged_packages import SOUND, packed

from mien.errors import PackageError
from mien.package import read_package, verify_package


@pytest.mark.parametrize("kind", ["file", "folder", "dangling"])
def test_links_in_a_folder_are_refused(tmp_path: Path, kind: str) -> None:
    unpack(tmp_path / "p")
    target = {"file": "/etc/hostname", "folder": "/etc", "dangling": "/nowhere"}[kind]
    (tmp_path / "p" / "extra").symlink_to(target)
    with pytest.raises(PackageError, match="'extra' is a link or device"):
        read_package(tmp_path / "p")


def unpack(folder: Path) -> None:
    folder.mkdir()
    for name, data in SOUND.items():
        (folder / name).write_bytes(data)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_in_a_folder_are_refused(tmp_path: Path) -> None:
    unpack(tmp_path / "p")
    os.mkfifo(tmp_path / "p" / "pipe")
    with pytest.raises(PackageError, match="'pipe' is a link or device"):
        read_package(tmp_path / "p")


def test_folder_without_manifest_and_absent_path(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"has no manifest\.json"):
        read_package(tmp_path)
    with pytest.raises(PackageError, match="there is no such package"):
        read_package(tmp_path / "none.mien")


def test_sound_package_is_sound_stored_deflated_and_unpacked(tmp_path: Path) -> None:
    """What the damages are measured against."""
    unpack(tmp_path / "p")
    (tmp_path / "p" / ".DS_Store").write_bytes(b"finder")
    for package in (packed(SOUND), packed(SOUND, zipfile.ZIP_DEFLATED), tmp_path / "p"):
        assert verify_package(package).problems == ()
    assert SOUND["animator.onnx"]  # not empty
    assert np.isfinite(read_package(packed(SOUND)).rig().vertices).all()
