"""manifest.json: what a character package says of itself, and the checks on it.

The manifest is the one place that a host must read to use a package: who is shown and under which
licence, which channels come out, which features go in, and what every file and model looks like.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from mien.avatar_kinds import Avatar, avatars_from, check_avatars
from mien.consent import CONSENT_KINDS, Consent
from mien.detail_entry import DetailEntry, entry_from
from mien.errors import PackageError
from mien.strict_json import Fields, parse_strict

__all__ = [
    "CONSENT_KINDS",
    "FORMAT_VERSION",
    "Consent",
    "FileEntry",
    "Manifest",
    "ModelSignature",
    "Tensor",
    "is_safe_name",
]

FORMAT_VERSION = "1.1"
"""The newest version that this code knows: 1.1 added `detail` and `avatars`. Without them 1.0 is
written."""
_PLAIN_VERSION = "1.0"

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")
_DTYPES = ("float32", "int64", "uint8")
_MAX_NAME = 200
_MAX_MODELS = 16


def is_safe_name(name: str) -> bool:
    """Whether `name` is a file inside the package on every system.

    Relative, forward slashes, no empty, '.' or '..' parts, no drive, no characters that Windows
    refuses, no trailing dots or spaces (Windows strips them, and two names become one).
    """
    parts = name.split("/")
    return (
        0 < len(name) <= _MAX_NAME
        and not re.search(r'[\x00-\x1f\x7f<>:"|?*\\]', name)
        and all(part not in ("", ".", "..") and part == part.rstrip(". ") for part in parts)
    )


@dataclass(frozen=True)
class Tensor:
    """One input or output of a model."""

    name: str
    dtype: str
    """numpy's name: float32, int64 or uint8."""
    shape: tuple[int | str, ...]
    """Sizes; a string names an axis whose size is free ("batch", "time")."""


@dataclass(frozen=True)
class ModelSignature:
    """What a model takes and gives, in the model's own order."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class FileEntry:
    """One file of the package as it must be found."""

    sha256: str
    """Lower-case hexadecimal."""
    size: int
    """Bytes, unpacked."""


@dataclass(frozen=True)
class Manifest:
    """Everything in manifest.json; `from_json` and `to_json` are each other's inverse."""

    name: str
    """For people and for `Open`: the character's name."""
    id: str
    """Stable identifier: lower-case letters, digits, '.', '_', '-'; at most 64."""
    licence: str
    """SPDX expression, or the name of the licence, and whom to credit."""
    consent: Consent
    channels: tuple[str, ...]
    """C names, in the order of the animator's output; the morph targets of character.glb have the
    same names."""
    features: tuple[str, ...]
    """Names of the feature groups that the animator takes, in order."""
    feature_size: int
    """Values per frame in those groups: what a client sends. The animator's x has one more, the
    time since the frame before, which the session appends."""
    rate_hz: float
    """Frames per second that the animator was trained at."""
    models: Mapping[str, ModelSignature] = field(default_factory=dict)
    """File name -> signature, one for every .onnx file."""
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    """File name -> size and hash, of every file but manifest.json. Empty while a package is being
    put together: `mien.package.write_package` fills it in."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """How it was made: versions, seeds and metrics of each stage. Free JSON, for people."""
    detail: DetailEntry | None = None
    """Wrinkles and pores; None for a character without them."""
    avatars: tuple[Avatar, ...] = ()
    """Photoreal looks of the same person; none for a character that is its mesh alone."""
    format_version: str = ""
    """major.minor of the package format, by default the oldest that has all fields in use. A new
    minor version only adds optional fields."""
    reader_min: str = _PLAIN_VERSION
    """Oldest reader that can use this package."""
    reader_below: str = "2.0"
    """Readers of this version or newer cannot."""

    def __post_init__(self) -> None:
        """Raises PackageError for values that a reader would refuse."""
        where = f"manifest of {self.name!r}"
        if not self.format_version:
            plain = self.detail is None and not self.avatars
            version = _PLAIN_VERSION if plain else FORMAT_VERSION
            object.__setattr__(self, "format_version", version)
        if not _ID.fullmatch(self.id):
            raise PackageError(
                f"{where}: field 'id' is {self.id!r}, expected 1 to 64 of a-z, 0-9, '.', '_', '-'"
            )
        if not self.name.strip() or not self.licence.strip():
            raise PackageError(f"{where}: fields 'name' and 'licence' must not be empty")
        self.consent.check(f"{where}: field 'consent")
        for key in ("channels", "features"):
            names = getattr(self, key)
            duplicates = sorted(name for name, n in Counter(names).items() if n > 1)
            if duplicates or not names:
                problem = f"holds {duplicates[0]!r} twice" if duplicates else "is empty"
                raise PackageError(f"{where}: field {key!r} {problem}")
        if self.feature_size < 1 or not 0 < self.rate_hz <= 1000:
            raise PackageError(
                f"{where}: feature_size {self.feature_size} and rate_hz {self.rate_hz:g}, "
                "expected at least 1 and 0 to 1000"
            )
        if len(self.models) > _MAX_MODELS:
            raise PackageError(
                f"{where}: field 'models' has {len(self.models)} models, "
                f"expected at most {_MAX_MODELS}"
            )
        if self.files:
            _check_files(where, self.files, self.models)
        if self.detail is not None:
            self.detail.check(where, tuple(self.files) if self.files else None)
        check_avatars(self.avatars, where, tuple(self.files) if self.files else None)
        self._check_avatar_channels(where)
        for key in ("format_version", "reader_min", "reader_below"):
            _version(getattr(self, key), f"{where}: field {key!r}")

    def _check_avatar_channels(self, where: str) -> None:
        for index, avatar in enumerate(self.avatars):
            unknown = sorted(set(avatar.channels) - set(self.channels))
            if unknown:
                raise PackageError(
                    f"{where}: field 'avatars[{index}].channels' holds {unknown[0]!r}, which is "
                    "no channel of the character"
                )

    @classmethod
    def from_json(cls, data: bytes, where: str = "manifest.json") -> Manifest:
        """Read and check the bytes of manifest.json.

        The version is looked at first: an unknown major version, or a reader range that leaves
        this reader out, is refused as such and not for the fields that changed with it. Fields
        unknown to this reader are refused, unless the package is of a newer minor version.
        Raises PackageError naming `where` and the field.
        """
        top = Fields(parse_strict(data, where, PackageError), where, PackageError)
        version = _check_version(top)
        strict = version <= _version(FORMAT_VERSION, where)
        if strict:
            top.only(*(f.name for f in fields(cls)))
        consent = top.object("consent")
        if strict:
            consent.only("kind", "statement")
        files = top.object("files")
        models = top.object("models")
        detail = top.object("detail") if "detail" in top else None
        avatars = top.objects("avatars") if "avatars" in top else []
        try:
            return cls(
                name=top.text("name"),
                id=top.text("id"),
                licence=top.text("licence"),
                consent=Consent(consent.text("kind"), consent.text("statement")),
                channels=top.texts("channels"),
                features=top.texts("features"),
                feature_size=top.integer("feature_size", 1),
                rate_hz=top.number("rate_hz", 0, 1000),
                models={name: _signature(models.object(name), strict) for name in models.values},
                files={name: _file_entry(files.object(name), strict) for name in files.values},
                provenance=dict(top.object("provenance").values),
                detail=None if detail is None else entry_from(detail, strict),
                avatars=avatars_from(avatars, strict),
                format_version=top.text("format_version"),
                reader_min=top.text("reader_min"),
                reader_below=top.text("reader_below"),
            )
        except PackageError as error:
            message = str(error)
            if message.startswith(where):
                raise
            raise PackageError(f"{where}: {message}") from None

    def to_dict(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        return {
            "format_version": self.format_version,
            "reader_min": self.reader_min,
            "reader_below": self.reader_below,
            "name": self.name,
            "id": self.id,
            "licence": self.licence,
            "consent": {"kind": self.consent.kind, "statement": self.consent.statement},
            "channels": list(self.channels),
            "features": list(self.features),
            "feature_size": self.feature_size,
            "rate_hz": self.rate_hz,
            "models": {
                name: {
                    "inputs": [_tensor_dict(t) for t in signature.inputs],
                    "outputs": [_tensor_dict(t) for t in signature.outputs],
                }
                for name, signature in sorted(self.models.items())
            },
            "files": {
                name: {"sha256": entry.sha256, "size": entry.size}
                for name, entry in sorted(self.files.items())
            },
            "provenance": dict(self.provenance),
            **({} if self.detail is None else {"detail": self.detail.to_dict()}),
            **({"avatars": [a.to_dict() for a in self.avatars]} if self.avatars else {}),
        }

    def to_json(self) -> bytes:
        """The bytes of manifest.json: UTF-8, indented, ending in a line break.

        Raises PackageError for a provenance that JSON cannot hold (NaN, arrays).
        """
        try:
            text = json.dumps(self.to_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError) as reason:
            raise PackageError(f"manifest of {self.name!r}: provenance: {reason}") from None
        return text.encode("utf-8") + b"\n"


def _version(text: str, where: str) -> tuple[int, int]:
    match = _VERSION.fullmatch(text)
    if match is None:
        raise PackageError(f"{where} is {text!r}, expected a version such as '1.0'")
    return int(match[1]), int(match[2])


def _check_version(top: Fields) -> tuple[int, int]:
    version, lowest, below = (
        _version(top.text(key), f"{top.where}: field {key!r}")
        for key in ("format_version", "reader_min", "reader_below")
    )
    ours = _version(FORMAT_VERSION, top.where)
    if version[0] != ours[0]:
        raise PackageError(
            f"{top.where}: format version {version[0]}.{version[1]} is unknown, "
            f"this reader knows {ours[0]}.x: use a mien of that version, or export again"
        )
    if not lowest <= ours < below:
        raise PackageError(
            f"{top.where}: is for readers from {lowest[0]}.{lowest[1]} to below "
            f"{below[0]}.{below[1]}, this one is {FORMAT_VERSION}"
        )
    return version


def _check_files(
    where: str, files: Mapping[str, FileEntry], models: Mapping[str, ModelSignature]
) -> None:
    folded: dict[str, str] = {"manifest.json": "manifest.json"}
    for name, entry in files.items():
        if not is_safe_name(name):
            raise PackageError(
                f"{where}: field 'files': {name!r} leaves the package or is no portable file name"
            )
        if name.casefold() in folded:
            raise PackageError(
                f"{where}: field 'files': {name!r} and {folded[name.casefold()]!r} are one file "
                "where case does not count"
            )
        folded[name.casefold()] = name
        if not _SHA256.fullmatch(entry.sha256):
            raise PackageError(
                f"{where}: files: {name}: field 'sha256' is {entry.sha256!r}, "
                "expected 64 lower-case hexadecimal digits"
            )
    unsigned = sorted(name for name in files if name.endswith(".onnx") and name not in models)
    if unsigned:
        raise PackageError(f"{where}: field 'models' has no signature of {unsigned[0]!r}")
    absent = sorted(set(models) - set(files))
    if absent:
        raise PackageError(f"{where}: field 'models' names {absent[0]!r}, which 'files' does not")


def _tensor_dict(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": list(tensor.shape)}


def _signature(model: Fields, strict: bool) -> ModelSignature:
    if strict:
        model.only("inputs", "outputs")
    return ModelSignature(
        tuple(_tensor(t, strict) for t in model.objects("inputs")),
        tuple(_tensor(t, strict) for t in model.objects("outputs")),
    )


def _tensor(tensor: Fields, strict: bool) -> Tensor:
    if strict:
        tensor.only("name", "dtype", "shape")
    dtype = tensor.text("dtype")
    if dtype not in _DTYPES:
        raise PackageError(
            f"{tensor.where}: field 'dtype' is {dtype!r}, expected one of {', '.join(_DTYPES)}"
        )
    shape = tensor.items("shape")
    for axis in shape:
        if not (type(axis) is int and axis > 0) and not (isinstance(axis, str) and axis):
            raise PackageError(
                f"{tensor.where}: field 'shape' is {shape}, expected sizes above 0 and axis names"
            )
    return Tensor(tensor.text("name"), dtype, tuple(shape))


def _file_entry(entry: Fields, strict: bool) -> FileEntry:
    if strict:
        entry.only("sha256", "size")
    return FileEntry(entry.text("sha256"), entry.integer("size"))
