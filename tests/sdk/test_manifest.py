"""The manifest: its own inverse, and safe names. Refusals: tests/hostile."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import PackageError
from mien.manifest import (
    CONSENT_KINDS,
    Consent,
    FileEntry,
    Manifest,
    ModelSignature,
    Tensor,
    is_safe_name,
)

SIGNATURE = ModelSignature(
    (Tensor("x", "float32", ("batch", "time", 56)),),
    (Tensor("channels", "float32", ("batch", "time", 2)),),
)
MANIFEST = Manifest(
    name="Zoë",
    id="zoe-1",
    licence="CC0-1.0",
    consent=Consent("given", "Zoë agreed to everything on 2026-01-01."),
    channels=("jawOpen", "mouthClose"),
    features=("scores", "head_rotation"),
    feature_size=55,
    rate_hz=30.0,
    models={"animator.onnx": SIGNATURE},
    files={
        "animator.onnx": FileEntry("0" * 64, 12),
        "character.glb": FileEntry("f" * 64, 0),
    },
    provenance={"seed": 3, "metrics": {"error_mm": 0.1}, "note": None},
)

texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(str.strip)


def test_its_own_inverse() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


@given(
    name=texts,
    licence=texts,
    kind=st.sampled_from(CONSENT_KINDS),
    statement=texts,
    channels=st.lists(texts, min_size=1, unique=True),
    rate_hz=st.floats(0.01, 1000),
    size=st.integers(1, 10**6),
)
def test_its_own_inverse_for_any_values(
    name: str, licence: str, kind: str, statement: str,
    channels: list[str], rate_hz: float, size: int,
) -> None:  # fmt: skip
    manifest = replace(
        MANIFEST,
        name=name,
        licence=licence,
        consent=Consent(kind, statement),
        channels=tuple(channels),
        rate_hz=rate_hz,
        feature_size=size,
    )
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_bytes_do_not_depend_on_insertion_order() -> None:
    files = dict(reversed(MANIFEST.files.items()))
    assert replace(MANIFEST, files=files).to_json() == MANIFEST.to_json()


REQUIRED = [n for n in Manifest.__dataclass_fields__ if n not in ("detail", "avatars")]
"""test_detail_entry.py and test_avatar_entry.py have the optional ones."""


def test_every_field_is_in_the_json() -> None:
    names = REQUIRED
    assert sorted(json.loads(MANIFEST.to_json())) == sorted(names)


@pytest.mark.parametrize("key", REQUIRED)
def test_every_field_is_required(key: str) -> None:
    values = json.loads(MANIFEST.to_json())
    del values[key]
    with pytest.raises(PackageError, match=f"'{key}'"):
        Manifest.from_json(json.dumps(values).encode())


def test_provenance_must_be_plain_json() -> None:
    for value in (float("nan"), {1, 2}, b"x"):
        with pytest.raises(PackageError, match="provenance"):
            replace(MANIFEST, provenance={"x": value}).to_json()


@pytest.mark.parametrize(
    "name", ["character.glb", "clips/take 1.npz", "detail/stretched-16.png", "a/b/c", "é.png"]
)
def test_safe_names(name: str) -> None:
    assert is_safe_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "./a", "a\\b", "C:a", "C:\\a", "a\0b",
     "a\nb", "a?", "a*", "a|b", 'a"b', "<a>", "a.", "a ", "a./b", "x" * 201, "\\\\server\\a"],
)  # fmt: skip
def test_unsafe_names(name: str) -> None:
    assert not is_safe_name(name)


@given(st.text(max_size=30))
def test_no_safe_name_leaves_a_folder(name: str) -> None:
    from pathlib import PurePosixPath, PureWindowsPath

    if is_safe_name(name):
        for kind in (PurePosixPath, PureWindowsPath):
            path = kind(name)
            assert not path.is_absolute() and ".." not in path.parts and not path.drive
