"""Sound packages, and ways to damage them."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from mien.package import package_bytes
from support.packages import tiny_content

Entry = tuple[zipfile.ZipInfo, bytes]


def sound_files() -> dict[str, bytes]:
    """manifest.json and the files of a sound package, in the package's order."""
    manifest, files = tiny_content()
    with zipfile.ZipFile(BytesIO(package_bytes(manifest, files))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


SOUND = sound_files()


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return buffer.getvalue()


def with_manifest(change: Callable[[dict[str, Any]], object]) -> bytes:
    """The sound package with its manifest changed in place."""
    manifest = json.loads(SOUND["manifest.json"])
    change(manifest)
    return packed({**SOUND, "manifest.json": json.dumps(manifest).encode()})


def with_file(name: str, data: bytes) -> bytes:
    """The sound package with one file replaced or added, and listed with its true hash."""
    manifest = json.loads(SOUND["manifest.json"])
    manifest["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return packed({**SOUND, "manifest.json": json.dumps(manifest).encode(), name: data})


def with_extra_entry(info: zipfile.ZipInfo, data: bytes = b"x") -> bytes:
    buffer = BytesIO(packed(SOUND))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(info, data)
    return buffer.getvalue()


def link_entry() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link.txt")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def patched_directory(name: str, field_offset: int, value: bytes, data: bytes) -> bytes:
    """The zip with bytes of one entry's central directory record overwritten."""
    raw = bytearray(data)
    at = raw.rindex(b"PK\1\2", 0, raw.rindex(name.encode()))
    raw[at + field_offset : at + field_offset + len(value)] = value
    return bytes(raw)


def bomb() -> bytes:
    return packed({**SOUND, "preview.png": bytes(60 << 20)}, zipfile.ZIP_DEFLATED)


def small_bombs() -> bytes:
    """Sixty entries of 2 MB: each small enough, all together 120 MB in 120 kB."""
    part = packed({"x": bytes(2 << 20)}, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(BytesIO(part)) as archive:
        entry = archive.getinfo("x")
    deflated = part[31 : 31 + entry.compress_size]
    names = [f"part{i}.bin" for i in range(60)]
    data = packed({**SOUND, **{name: deflated for name in names}})
    for name in names:  # stored entries, now called deflated in both headers
        local = data.index(b"PK\3\4", data.index(name.encode()) - 30)
        data = data[: local + 8] + b"\x08\0" + data[local + 10 :]
        data = patched_directory(name, 10, b"\x08\0", data)
        data = patched_directory(name, 24, struct.pack("<I", 2 << 20), data)
    return data


def with_long_comments(count: int) -> bytes:
    """A directory that says much about empty files."""
    buffer = BytesIO(packed(SOUND))
    with zipfile.ZipFile(buffer, "a") as archive:
        for i in range(count - len(SOUND)):
            info = zipfile.ZipInfo(f"f{i}")
            info.comment = b"c" * 4000
            archive.writestr(info, b"")
    return buffer.getvalue()


def declares_less() -> bytes:
    """A deflated entry that unpacks to more than the directory says."""
    data = packed(SOUND, zipfile.ZIP_DEFLATED)
    manifest = SOUND["manifest.json"]
    return patched_directory("manifest.json", 24, struct.pack("<I", len(manifest) - 100), data)


def overlapping() -> bytes:
    """Two entries of the directory that point at the same bytes."""
    data = packed(SOUND)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        target = archive.getinfo("animator.onnx")
    patched = patched_directory("character.glb", 42, struct.pack("<I", target.header_offset), data)
    size = struct.pack("<II", target.compress_size, target.file_size)
    return patched_directory("character.glb", 20, size, patched)


def duplicate_entry() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return with_extra_entry(zipfile.ZipInfo("animator.onnx"), SOUND["animator.onnx"])


def swapped_local_name() -> bytes:
    data = packed(SOUND)
    return data[:30] + b"manifest.jsoN" + data[43:]


def altered_same_size() -> bytes:
    changed = bytearray(SOUND["animator.onnx"])
    changed[-1] ^= 1
    return packed({**SOUND, "animator.onnx": bytes(changed)})


def without(name: str) -> bytes:
    return packed({key: data for key, data in SOUND.items() if key != name})


def set_in(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: Any) -> None:
        for key in path[:-1]:
            manifest = manifest[key]
        manifest[path[-1]] = to

    return change


def delete(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda manifest: manifest.pop(key)
