"""Packages made to break a reader: each damage is refused with its own message."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.damaged_packages import (
    SOUND,
    bomb,
    declares_less,
    delete,
    duplicate_entry,
    link_entry,
    overlapping,
    packed,
    patched_directory,
    set_in,
    small_bombs,
    swapped_local_name,
    with_extra_entry,
    with_long_comments,
    with_manifest,
    without,
)

from mien.errors import MienError, PackageError
from mien.manifest import Manifest
from mien.package import read_package, verify_package

Entry = tuple[zipfile.ZipInfo, bytes]


OPENING: dict[str, tuple[Callable[[], bytes], str]] = {
    "not a zip": (lambda: b"hello", "is no zip file"),
    "empty": (lambda: b"", "is no zip file"),
    "cut off": (lambda: packed(SOUND)[:-30], "is no zip file"),
    "bytes before the zip": (
        lambda: b"MZ" * 20 + packed(SOUND),
        "its directory does not lie at its end, or manifest.json not at its beginning",
    ),
    "no files": (lambda: packed({}), "begins with nothing"),
    "no manifest": (lambda: without("manifest.json"), "expected manifest.json as the first file"),
    "manifest not first": (
        lambda: packed(dict(reversed(SOUND.items()))),
        "expected manifest.json as the first file",
    ),
    "manifest too large": (
        lambda: packed({**SOUND, "manifest.json": b" " * (5 << 20)}),
        "manifest.json has 5242880 bytes, expected 4194304 at most",
    ),
    "missing file": (lambda: without("animator.onnx"), "animator.onnx: is missing"),
    "unlisted file": (
        lambda: packed({**SOUND, "run.exe": b"x"}),
        "run.exe: is not in the manifest",
    ),
    "size altered": (
        lambda: packed({**SOUND, "animator.onnx": SOUND["animator.onnx"] + b"x"}),
        "animator.onnx: altered: has .* bytes, the manifest says",
    ),
    "parent path": (lambda: with_extra_entry(zipfile.ZipInfo("../evil")), "leaves the package"),
    "inner parent path": (lambda: with_extra_entry(zipfile.ZipInfo("a/../../b")), "leaves the"),
    "absolute path": (lambda: with_extra_entry(zipfile.ZipInfo("/etc/passwd")), "leaves the"),
    "drive": (lambda: with_extra_entry(zipfile.ZipInfo("C:/x")), "leaves the package"),
    "backslash": (lambda: with_extra_entry(zipfile.ZipInfo("..\\evil")), "leaves the package"),
    "link": (lambda: with_extra_entry(link_entry(), b"/etc/passwd"), "is a link or device"),
    "twice": (duplicate_entry, "animator.onnx: is in the zip twice"),
    "encrypted": (
        lambda: patched_directory("animator.onnx", 8, b"\1\0", packed(SOUND)),
        "animator.onnx: is encrypted",
    ),
    "other compression": (
        lambda: packed(SOUND, zipfile.ZIP_LZMA),
        "packed with method 14, expected stored or deflated",
    ),
    "bomb by ratio": (bomb, "preview.png: unpacking: needs 62914560 bytes, .* at most 42"),
    "bomb by many small parts": (
        small_bombs,
        "part20.bin: unpacking: needs 2097152 bytes, 44040192 in all, expected at most 42",
    ),
    "directory of megabytes": (
        lambda: with_long_comments(400),
        "holds 400 files in a directory of 16.* bytes, expected at most 1000 in 1048576",
    ),
    "ZIP64": (
        lambda: packed(SOUND)[:-12] + b"\xff" * 4 + packed(SOUND)[-8:],
        "is a ZIP64 file",
    ),
    "many models": (
        lambda: with_manifest(
            lambda m: m["models"].update({f"m{i}.onnx": {"inputs": [], "outputs": []}
                                          for i in range(16)})
        ),
        "has 17 models, expected at most 16",
    ),
    "bomb by overlap": (overlapping, "shares bytes with another file: a zip bomb"),
    "bomb by count": (
        lambda: packed({**SOUND, **{f"f{i}": b"" for i in range(1000)}}),
        "holds 1003 files in a directory of .* expected at most 1000",
    ),
    "bomb by total": (
        lambda: patched_directory(
            "animator.onnx", 24, struct.pack("<I", 0xFFFFFFFE),
            patched_directory("animator.onnx", 20, struct.pack("<I", 0xFFFFFFFE), packed(SOUND)),
        ),
        "is cut off",
    ),
    "stored with two sizes": (
        lambda: patched_directory("animator.onnx", 24, struct.pack("<I", 77), packed(SOUND)),
        "is stored, but declares",
    ),
    "unpacks to more": (declares_less, "unpacks to more than the .* bytes declared"),
    "two names for one entry": (swapped_local_name, "its own header calls it 'manifest.jsoN'"),
    "manifest is no JSON": (
        lambda: packed({**SOUND, "manifest.json": b"{"}),
        "manifest.json: not valid JSON",
    ),
    "manifest is no UTF-8": (
        lambda: packed({**SOUND, "manifest.json": b"\xff\xfe{}"}),
        "manifest.json: not valid JSON",
    ),
    "manifest is a list": (
        lambda: packed({**SOUND, "manifest.json": b"[]"}),
        "holds a list, expected an object",
    ),
    "manifest nests without end": (
        lambda: packed({**SOUND, "manifest.json": b"[" * 200_000}),
        "not valid JSON",
    ),
    "NaN": (lambda: with_manifest(set_in("rate_hz", to=float("nan"))), "NaN is not a number"),
    "infinity": (
        lambda: packed({**SOUND, "manifest.json": b'{"rate_hz": 1e999}'}),
        "1e999 is not a finite number",
    ),
    "field twice": (
        lambda: packed({**SOUND, "manifest.json": b'{"name": "a", "name": "b"}'}),
        "field 'name' occurs twice",
    ),
    "next major version": (
        lambda: with_manifest(set_in("format_version", to="2.0")),
        "format version 2.0 is unknown, this reader knows 1.x",
    ),
    "version is a number": (
        lambda: with_manifest(set_in("format_version", to=1.0)),
        "field 'format_version' is 1.0, expected a string",
    ),
    "reader too old": (
        lambda: with_manifest(set_in("reader_min", to="1.5")),
        "is for readers from 1.5 to below 2.0, this one is 1.1",
    ),
    "reader too new": (
        lambda: with_manifest(set_in("reader_below", to="1.0")),
        "is for readers from 1.0 to below 1.0",
    ),
    "unknown field": (lambda: with_manifest(set_in("nmae", to="x")), "field 'nmae' is unknown"),
    "unknown field inside": (
        lambda: with_manifest(set_in("consent", "until", to="2030")),
        "consent: field 'until' is unknown",
    ),
    "field missing": (lambda: with_manifest(delete("licence")), "field 'licence' is missing"),
    "wrong type": (
        lambda: with_manifest(set_in("channels", to="jawOpen")),
        "field 'channels' is 'jawOpen', expected a list",
    ),
    "boolean for a number": (
        lambda: with_manifest(set_in("feature_size", to=True)),
        "field 'feature_size' is True, expected an integer",
    ),
    "bad id": (lambda: with_manifest(set_in("id", to="../x")), "field 'id' is '../x'"),
    "consent unknown": (
        lambda: with_manifest(set_in("consent", "kind", to="maybe")),
        "field 'consent.kind' is 'maybe', expected one of synthetic",
    ),
    "consent empty": (
        lambda: with_manifest(set_in("consent", "statement", to=" ")),
        "field 'consent.statement' is empty",
    ),
    "channel twice": (
        lambda: with_manifest(set_in("channels", 1, to="jawOpen")),
        "field 'channels' holds 'jawOpen' twice",
    ),
    "bad hash": (
        lambda: with_manifest(set_in("files", "animator.onnx", "sha256", to="ABC")),
        "animator.onnx: field 'sha256' is 'ABC'",
    ),
    "negative size": (
        lambda: with_manifest(set_in("files", "animator.onnx", "size", to=-1)),
        "animator.onnx: field 'size' is -1",
    ),
    "path in the manifest": (
        lambda: with_manifest(
            lambda m: m["files"].update({"../x": {"sha256": "0" * 64, "size": 1}})
        ),
        "'../x' leaves the package",
    ),
    "names that differ by case": (
        lambda: with_manifest(
            lambda m: m["files"].update({"Animator.onnx": {"sha256": "0" * 64, "size": 1}})
        ),
        "are one file where case does not count",
    ),
    "model without signature": (
        lambda: with_manifest(set_in("models", to={})),
        "has no signature of 'animator.onnx'",
    ),
    "signature without model": (
        lambda: with_manifest(
            lambda m: m["models"].update({"detail.onnx": {"inputs": [], "outputs": []}})
        ),
        "names 'detail.onnx', which 'files' does not",
    ),
    "tensor of another kind": (
        lambda: with_manifest(
            set_in("models", "animator.onnx", "inputs", 0, "dtype", to="float16")
        ),
        "field 'dtype' is 'float16'",
    ),
    "features do not fit": (
        lambda: with_manifest(set_in("feature_size", to=99)),
        r"expected \[batch, time, 100\]: feature_size \+ 1",
    ),
    "channels do not fit": (
        lambda: with_manifest(set_in("channels", to=["jawOpen"])),
        r"expected \[batch, time, 1\]: the number of channels",
    ),
    "animator with other tensors": (
        lambda: with_manifest(
            set_in("models", "animator.onnx", "inputs", 0, "name", to="features")
        ),
        "takes features, h0, c0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", OPENING)
def test_refused_when_opened(damage: str) -> None:
    make, message = OPENING[damage]
    data = make()
    with pytest.raises(PackageError, match=message):
        read_package(data)
    report = verify_package(data)
    assert not report.ok and len(report.problems) == 1


def test_newer_minor_version_may_have_unknown_fields() -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["format_version"] = "1.7"
        manifest["mood"] = "fine"
        manifest["files"]["animator.onnx"]["licence"] = "CC0-1.0"

    assert read_package(with_manifest(change)).manifest.format_version == "1.7"


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_random_damage_never_escapes_as_another_error(data: st.DataObject) -> None:
    """Any few bytes changed: either refused with PackageError, or harmless and still sound."""
    raw = bytearray(packed(SOUND))
    # The directory and the manifest are where parsers break; content is covered by hashes.
    edges = [*range(0, 3000), *range(len(raw) - 400, len(raw))]
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.sampled_from(edges))] = data.draw(st.integers(0, 255))
    report = verify_package(bytes(raw))
    if report.ok:
        assert read_package(bytes(raw)).read_bytes("animator.onnx") == SOUND["animator.onnx"]


@settings(deadline=None, max_examples=60)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(0.5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(sorted(json.loads(SOUND["manifest.json"]))), inner)
        ),
        max_leaves=12,
    )
)
def test_any_json_as_manifest_is_refused_or_read(value: Any) -> None:
    with pytest.raises(MienError):
        Manifest.from_json(json.dumps(value).encode())
