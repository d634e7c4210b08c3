"""A package's bytes, read once: a zip whose claims are all checked, or a plain folder.

Everything is in memory from the start: a file that is replaced or changed on disk afterwards
changes nothing, and what is verified, animated and offered for download are the same bytes.
Stored files are views of those bytes, so memory holds a package once.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mien.budget import Budget, decoding_budget
from mien.errors import PackageError
from mien.manifest import is_safe_name

__all__ = ["MANIFEST", "FolderSource", "PackageSource", "ZipSource", "open_source"]

MANIFEST = "manifest.json"

MAX_FILES = 1000
MAX_MANIFEST_BYTES = 4 << 20
MAX_BYTES = 1 << 30
"""Of a zip file, or of a folder's files together: they are held in memory."""

_MAX_DIRECTORY_BYTES = 1 << 20
_SLICE = 1 << 16
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ENCRYPTED, _PATCHED = 0x1 | 0x40, 0x20


class PackageSource(Protocol):
    """Files by name, with their sizes known before any of them is unpacked."""

    where: str
    sizes: dict[str, int]
    size: int
    """Bytes of the zip file, or of the folder's files together."""

    def view(self, name: str) -> memoryview:
        """The whole file, exactly `sizes[name]` bytes; read-only."""

    def read(self, name: str) -> bytes:
        """The same as bytes of its own."""

    def unpacks(self, name: str) -> int:
        """Bytes that `view` allocates: 0 for what is stored as it is."""


def open_source(
    package: str | os.PathLike[str] | bytes, budget: Budget | None = None
) -> PackageSource:
    """A zip file, a folder, or a zip's bytes; raises PackageError for anything else.

    What is read from disk is charged to `budget` first.
    """
    if isinstance(package, bytes):
        return ZipSource(package, "package")
    path = Path(package)
    if path.is_dir():
        return FolderSource(path, budget)
    if not path.exists():
        raise PackageError(f"{path}: there is no such package")
    return ZipSource(_read_file(path, str(path), MAX_BYTES, budget), str(path))


def _read_file(path: Path, where: str, limit: int, budget: Budget | None) -> bytes:
    try:
        with path.open("rb") as file:
            size = min(os.fstat(file.fileno()).st_size, limit)
            if budget is not None:
                budget.spend(size, where)
            data = file.read(size + 1)
    except OSError as reason:
        raise PackageError(f"{where}: cannot be read: {reason.strerror}") from None
    if len(data) > limit:
        raise PackageError(f"{where}: has more than {limit} bytes, expected that many at most")
    return data


class FolderSource:
    """A plain folder. Hidden files (.DS_Store, .git) are not part of it; links are refused."""

    def __init__(self, folder: Path, budget: Budget | None = None) -> None:
        self.where = str(folder)
        self._files: dict[str, bytes] = {}
        count = Budget(MAX_FILES, "files", self.where, PackageError)
        total = Budget(MAX_BYTES, "bytes", self.where, PackageError)
        for place, folders, files in os.walk(folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted([*folders, *files]):
                path = Path(place, name)
                mode = path.lstat().st_mode
                relative = path.relative_to(folder).as_posix()
                if name.startswith("."):
                    continue
                count.spend(1, relative)
                if stat.S_ISDIR(mode):
                    continue
                if not stat.S_ISREG(mode):
                    raise PackageError(
                        f"{self.where}: {relative!r} is a link or device, expected plain files only"
                    )
                _check_name(self.where, relative)
                size = path.stat().st_size
                _check_manifest_size(self.where, relative, size)
                total.spend(size, relative)
                data = _read_file(path, f"{self.where}: {relative}", size, budget)
                if len(data) != size:
                    raise PackageError(f"{self.where}: {relative}: changed while it was read")
                self._files[relative] = data
        if MANIFEST not in self._files:
            raise PackageError(f"{self.where}: has no {MANIFEST}, so it is no character package")
        self.sizes = {name: len(data) for name, data in self._files.items()}
        self.size = total.spent

    def view(self, name: str) -> memoryview:
        """The file as it was when the folder was opened."""
        return memoryview(self._files[name])

    def read(self, name: str) -> bytes:
        """The file as it was when the folder was opened."""
        return self._files[name]

    def unpacks(self, name: str) -> int:
        """Nothing is packed in a folder."""
        return 0


class ZipSource:
    """A zip whose every claim is checked before it is believed.

    zipfile reads the directory only, once its size is known to be small. Entries are unpacked
    here, so that one which holds more than it declares stops at its declared size. All deflated
    entries together may unpack to `mien.budget.decoding_budget` of the zip's own size.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self.where = where
        self.size = len(data)
        self._data = data
        if len(data) > MAX_BYTES:
            raise PackageError(f"{where}: has {len(data)} bytes, expected at most {MAX_BYTES}")
        entries = _directory(data, where)
        if len(entries) > MAX_FILES:
            raise PackageError(f"{where}: holds {len(entries)} files, expected {MAX_FILES} at most")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._check(entry)
        if not entries or entries[0].orig_filename != MANIFEST or entries[0].header_offset != 0:
            first = repr(entries[0].orig_filename) if entries else "nothing"
            raise PackageError(
                f"{where}: begins with {first}, expected {MANIFEST} as the first file"
            )
        self._check_layout()
        budget = decoding_budget(len(data), where, PackageError)
        for entry in self._entries.values():
            if entry.compress_type != zipfile.ZIP_STORED:
                budget.spend(entry.file_size, f"{entry.orig_filename}: unpacking")
        self.sizes = {name: entry.file_size for name, entry in self._entries.items()}
        _check_manifest_size(where, MANIFEST, self.sizes.get(MANIFEST, 0))

    def view(self, name: str) -> memoryview:
        """Unpack one entry; PackageError if it is not exactly what the directory declares."""
        entry = self._entries[name]
        packed = self._packed(entry)
        if entry.compress_type == zipfile.ZIP_STORED:
            data = packed
        else:
            data = self._unpacked(name, packed, entry.file_size)
        if zlib.crc32(data) != entry.CRC:
            raise PackageError(f"{self.where}: {name}: altered: its CRC-32 is not the zip's")
        return data

    def read(self, name: str) -> bytes:
        """`view` as bytes of its own."""
        return bytes(self.view(name))

    def unpacks(self, name: str) -> int:
        """The size of a deflated entry."""
        entry = self._entries[name]
        return 0 if entry.compress_type == zipfile.ZIP_STORED else entry.file_size

    def _unpacked(self, name: str, packed: memoryview, size: int) -> memoryview:
        data, end = bytearray(size), 0
        try:
            for part in _inflate(packed):
                if end + len(part) > size:
                    raise PackageError(
                        f"{self.where}: {name}: unpacks to more than the {size} bytes declared"
                    )
                data[end : end + len(part)] = part
                end += len(part)
        except zlib.error as reason:
            raise PackageError(f"{self.where}: {name}: damaged: {reason}") from None
        if end < size:
            raise PackageError(f"{self.where}: {name}: unpacks to {end} bytes, {size} declared")
        return memoryview(data).toreadonly()

    def _check(self, entry: zipfile.ZipInfo) -> None:
        name = entry.orig_filename  # `filename` is cut at a NUL and has its slashes changed
        mode = entry.external_attr >> 16
        if name.endswith("/") and entry.file_size == 0 and is_safe_name(name[:-1]):
            return  # zip tools write an entry for each folder
        _check_name(self.where, name)
        if name in self._entries:
            raise PackageError(f"{self.where}: {name}: is in the zip twice")
        if entry.flag_bits & _ENCRYPTED:
            raise PackageError(f"{self.where}: {name}: is encrypted, expected plain files")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise PackageError(f"{self.where}: {name}: is a link or device, expected a plain file")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or (
            entry.flag_bits & _PATCHED
        ):
            raise PackageError(
                f"{self.where}: {name}: is packed with method {entry.compress_type}, "
                "expected stored or deflated"
            )
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise PackageError(
                f"{self.where}: {name}: is stored, but declares {entry.compress_size} and "
                f"{entry.file_size} bytes"
            )
        self._entries[name] = entry

    def _check_layout(self) -> None:
        """Entries must lie in the file one after the other: overlapping ones are a zip bomb."""
        end = 0
        for entry in sorted(self._entries.values(), key=lambda e: e.header_offset):
            if entry.header_offset < end:
                raise PackageError(
                    f"{self.where}: {entry.orig_filename}: shares bytes with another file: "
                    "a zip bomb"
                )
            end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size
            if end > self.size:
                raise PackageError(f"{self.where}: {entry.orig_filename}: is cut off")

    def _packed(self, entry: zipfile.ZipInfo) -> memoryview:
        """The entry's bytes in the zip, once its own header says what the directory says."""
        start = entry.header_offset
        view = memoryview(self._data)
        header = view[start : start + _LOCAL_HEADER.size]
        if len(header) < _LOCAL_HEADER.size or bytes(header[:4]) != b"PK\3\4":
            raise PackageError(
                f"{self.where}: {entry.orig_filename}: has no header where it should"
            )
        fields = _LOCAL_HEADER.unpack(header)
        flags, method, name_length, extra_length = fields[2], fields[3], fields[9], fields[10]
        start += _LOCAL_HEADER.size
        raw_name = bytes(view[start : start + name_length])
        name = raw_name.decode("utf-8" if flags & 0x800 else "cp437", errors="replace")
        if name != entry.orig_filename or method != entry.compress_type:
            raise PackageError(
                f"{self.where}: {entry.orig_filename}: its own header calls it {name[:80]!r}, "
                f"method {method}; the directory says otherwise"
            )
        start += name_length + extra_length
        packed = view[start : start + entry.compress_size]
        if len(packed) < entry.compress_size:
            raise PackageError(f"{self.where}: {name}: is cut off")
        return packed


def _inflate(packed: memoryview) -> Iterator[bytes]:
    """The unpacked bytes in small parts: unpacked at once, they would be held twice."""
    unpacker = zlib.decompressobj(-15)
    for start in range(0, len(packed), _SLICE):
        piece: bytes | memoryview = packed[start : start + _SLICE]
        while piece and not unpacker.eof:
            yield unpacker.decompress(piece, _SLICE)
            piece = unpacker.unconsumed_tail
    while not unpacker.eof and (part := unpacker.decompress(b"", _SLICE)):
        yield part


def _directory(data: bytes, where: str) -> list[zipfile.ZipInfo]:
    """The entries of a zip's central directory, which is given to zipfile without the rest."""
    at = data.rfind(b"PK\5\6", max(0, len(data) - _END.size - 0xFFFF))
    if at < 0 or len(data) - at < _END.size:
        raise PackageError(f"{where}: is no zip file: has no end record")
    _, disk, _, count, total, size, offset, _ = _END.unpack_from(data, at)
    if 0xFFFF in (disk, count, total) or 0xFFFFFFFF in (size, offset):
        raise PackageError(f"{where}: is a ZIP64 file, expected a plain zip")
    if size > _MAX_DIRECTORY_BYTES or count > MAX_FILES:
        raise PackageError(
            f"{where}: holds {count} files in a directory of {size} bytes, expected at most "
            f"{MAX_FILES} in {_MAX_DIRECTORY_BYTES}"
        )
    if offset + size != at:
        raise PackageError(
            f"{where}: its directory does not lie at its end, or {MANIFEST} not at its beginning"
        )
    end = _END.pack(b"PK\5\6", 0, 0, count, total, size, 0, 0)
    try:
        with zipfile.ZipFile(io.BytesIO(data[offset:at] + end)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as reason:
        raise PackageError(f"{where}: is no zip file: {reason}") from None


def _check_name(where: str, name: str) -> None:
    if not is_safe_name(name):
        raise PackageError(
            f"{where}: {name!r} leaves the package or is no portable file name, refused"
        )


def _check_manifest_size(where: str, name: str, size: int) -> None:
    if name == MANIFEST and size > MAX_MANIFEST_BYTES:
        raise PackageError(
            f"{where}: {MANIFEST} has {size} bytes, expected {MAX_MANIFEST_BYTES} at most"
        )
