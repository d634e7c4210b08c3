"""Packages: written whole, read lazily, verified always. Damages: tests/hostile."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from support.packages import tiny_animator, tiny_content
from support.rigs import sphere_rig

from mien.budget import decoding_budget
from mien.errors import InputError, PackageError
from mien.glb import read_rig
from mien.package import package_bytes, read_package, verify_package, write_package


def test_round_trip(tmp_path: Path) -> None:
    manifest, files = tiny_content()
    path = write_package(tmp_path / "s.mien", manifest, files)
    package = read_package(path)
    assert package.manifest.name == "Sphere"
    assert package.manifest.models == manifest.models
    for name, data in files.items():
        assert name in package
        assert package.read_bytes(name) == data
        entry = package.manifest.files[name]
        assert (entry.size, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    np.testing.assert_array_equal(package.rig().vertices, sphere_rig().vertices)
    assert "preview.png" not in package


def test_folder_and_bytes_read_like_the_zip(tmp_path: Path) -> None:
    data = package_bytes(*tiny_content())
    (tmp_path / "s.mien").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "s.mien") as archive:
        archive.extractall(tmp_path / "folder")
    for package in (data, tmp_path / "folder", str(tmp_path / "s.mien")):
        assert read_package(package).manifest == read_package(data).manifest
        assert verify_package(package).ok


def test_same_content_same_bytes_in_any_order() -> None:
    manifest, files = tiny_content()
    data = package_bytes(manifest, files)
    assert package_bytes(manifest, dict(reversed(files.items()))) == data
    assert package_bytes(*tiny_content()) == data


def test_manifest_first_stored_and_dateless() -> None:
    manifest, files = tiny_content()
    files["clips/a.npz"] = b"a"
    with zipfile.ZipFile(BytesIO(package_bytes(manifest, files))) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [
        "manifest.json", "animator.onnx", "character.glb", "clips/a.npz",
    ]  # fmt: skip
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_a_package_swapped_on_disk_is_not_seen(tmp_path: Path) -> None:
    """What was verified is what is animated and what is offered for download."""
    manifest, files = tiny_content()
    path = write_package(tmp_path / "s.mien", manifest, files)
    data = path.read_bytes()
    package = read_package(path)
    moved = replace(sphere_rig(), vertices=sphere_rig().vertices * 2)
    write_package(path, replace(manifest, name="Other"), tiny_content(moved)[1])
    assert path.read_bytes() != data
    np.testing.assert_array_equal(package.rig().vertices, sphere_rig().vertices)
    assert package.read_bytes("character.glb") == files["character.glb"]


def test_a_folder_is_read_once(tmp_path: Path) -> None:
    manifest, files = tiny_content()
    with zipfile.ZipFile(BytesIO(package_bytes(manifest, files))) as archive:
        archive.extractall(tmp_path)
    package = read_package(tmp_path)
    (tmp_path / "animator.onnx").write_bytes(b"swapped")
    assert package.read_bytes("animator.onnx") == files["animator.onnx"]


def test_a_deflated_glb_is_charged_with_what_it_decodes_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manifest, files = tiny_content()
    data = package_bytes(manifest, files)
    buffer = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(data)) as archive,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as deflated,
    ):
        for name in archive.namelist():
            deflated.writestr(name, archive.read(name))
    decoded = decoding_budget(len(data), "a")
    read_rig(files["character.glb"], budget=decoded)
    monkeypatch.setattr("mien.budget.GROWTH", 0)
    monkeypatch.setattr("mien.budget.FREE_BYTES", decoded.spent + 1000)
    assert read_package(data).rig().name == "Sphere"
    with pytest.raises(PackageError, match=r"needs \d+ bytes, \d+ in all, expected at most"):
        read_package(buffer.getvalue()).rig()


def test_a_damaged_file_does_not_keep_the_others_from_being_read(tmp_path: Path) -> None:
    """A package whose content is damaged still opens; the damaged file alone is refused."""
    manifest, files = tiny_content()
    path = write_package(tmp_path / "s.mien", manifest, files)
    raw = bytearray(path.read_bytes())
    raw[raw.index(files["animator.onnx"]) + 100] ^= 1
    path.write_bytes(raw)
    package = read_package(path)
    assert package.rig().shape_names == manifest.channels
    with pytest.raises(PackageError, match=r"animator\.onnx: altered"):
        package.read_bytes("animator.onnx")


def test_unlisted_name_is_the_callers_error(tmp_path: Path) -> None:
    package = read_package(package_bytes(*tiny_content()))
    with pytest.raises(InputError, match=r"no file 'detail\.onnx', only animator\.onnx, character"):
        package.read_bytes("detail.onnx")


def test_unsound_content_is_not_written(tmp_path: Path) -> None:
    manifest, files = tiny_content()
    files["animator.onnx"] = tiny_animator(inputs=60)
    with pytest.raises(PackageError, match=r"not written: .*animator\.onnx: input 0"):
        write_package(tmp_path / "s.mien", manifest, files)
    del files["animator.onnx"]
    with pytest.raises(PackageError, match=r"names 'animator\.onnx', which 'files' does"):
        write_package(tmp_path / "s.mien", manifest, files)
    assert list(tmp_path.iterdir()) == []


def test_opened_session_is_held_against_the_manifest() -> None:
    package = read_package(package_bytes(*tiny_content()))
    own = onnxruntime.InferenceSession(package.read_bytes("animator.onnx"))
    package.check_model("animator.onnx", own)
    other = onnxruntime.InferenceSession(tiny_animator(channels=9))
    with pytest.raises(PackageError, match=r"output 0 of the model is channels .*, 9\], the man"):
        package.check_model("animator.onnx", other)


def test_channel_order_is_the_manifests_own() -> None:
    """Channels bind by name: another order than the GLB's is no difference."""
    manifest, files = tiny_content()
    turned = replace(manifest, channels=tuple(reversed(manifest.channels)))
    assert verify_package(package_bytes(turned, files)).ok
