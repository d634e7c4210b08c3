"""Where a package's files lie: a zip read with distrust, or a plain folder of the same content."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Protocol

from mien.errors import PackageError
from mien.manifest import is_safe_name

__all__ = ["MANIFEST", "FolderSource", "PackageSource", "ZipSource", "open_source"]

MANIFEST = "manifest.json"

MAX_FILES = 1000
MAX_MANIFEST_BYTES = 4 << 20
MAX_TOTAL_BYTES = 4 << 30
MAX_RATIO = 200
"""Unpacked over packed size: meshes, networks and images pack 1 to 20 times, bombs 1000 times."""

_RATIO_FREE_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _PATCHED = 0x1 | 0x40, 0x20


class PackageSource(Protocol):
    """Files by name, with their sizes known before any of them is read."""

    where: str
    sizes: dict[str, int]

    def read(self, name: str) -> bytes:
        """The whole file, exactly `sizes[name]` bytes."""


def open_source(package: str | os.PathLike[str] | bytes) -> PackageSource:
    """A zip file, a folder, or a zip's bytes; raises PackageError for anything else."""
    if isinstance(package, bytes):
        return ZipSource(package, "package")
    path = Path(package)
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise PackageError(f"{path}: there is no such package")
    return ZipSource(path, str(path))


class FolderSource:
    """A plain folder. Hidden files (.DS_Store, .git) are no part of it; links are refused."""

    def __init__(self, folder: Path) -> None:
        self.where = str(folder)
        self._folder = folder
        self.sizes: dict[str, int] = {}
        for place, folders, files in os.walk(folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted([*folders, *files]):
                path = Path(place, name)
                mode = path.lstat().st_mode
                relative = path.relative_to(folder).as_posix()
                if name.startswith(".") or stat.S_ISDIR(mode):
                    continue
                if not stat.S_ISREG(mode):
                    raise PackageError(
                        f"{self.where}: {relative!r} is a link or device, expected plain files only"
                    )
                _check_name(self.where, relative)
                self.sizes[relative] = path.stat().st_size
        _check_sizes(self.where, self.sizes)
        if MANIFEST not in self.sizes:
            raise PackageError(f"{self.where}: has no {MANIFEST}, so it is no character package")

    def read(self, name: str) -> bytes:
        """The whole file; PackageError if it changed its size since the folder was looked at."""
        try:
            data = (self._folder / name).read_bytes()
        except OSError as reason:
            raise PackageError(f"{self.where}: {name}: cannot be read: {reason.strerror}") from None
        if len(data) != self.sizes[name]:
            raise PackageError(f"{self.where}: {name}: changed while it was read")
        return data


class ZipSource:
    """A zip whose every claim is checked before it is believed.

    zipfile reads the directory only. Entries are unpacked here, so that one which holds more than
    it declares stops at its declared size. The file is opened anew for each read: nothing stays
    open between.
    """

    def __init__(self, package: Path | bytes, where: str) -> None:
        self.where = where
        self._package = package
        with self._open() as file:
            size = file.seek(0, os.SEEK_END)
            try:
                with zipfile.ZipFile(file) as archive:
                    entries = archive.infolist()
            except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as reason:
                raise PackageError(f"{where}: is no zip file: {reason}") from None
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
        self._check_layout(size)
        self.sizes = {name: entry.file_size for name, entry in self._entries.items()}
        _check_sizes(where, self.sizes)

    def read(self, name: str) -> bytes:
        """Unpack one entry; PackageError if it is not exactly what the directory declares."""
        entry = self._entries[name]
        with self._open() as file:
            packed = self._packed(file, entry)
        if entry.compress_type == zipfile.ZIP_STORED:
            data = packed
        else:
            unpacker = zlib.decompressobj(-15)
            try:
                data = unpacker.decompress(packed, entry.file_size + 1)
            except zlib.error as reason:
                raise PackageError(f"{self.where}: {name}: damaged: {reason}") from None
        if len(data) > entry.file_size:
            raise PackageError(
                f"{self.where}: {name}: unpacks to more than the {entry.file_size} bytes declared"
            )
        if len(data) < entry.file_size:
            raise PackageError(
                f"{self.where}: {name}: unpacks to {len(data)} bytes, {entry.file_size} declared"
            )
        if zlib.crc32(data) != entry.CRC:
            raise PackageError(f"{self.where}: {name}: altered: its CRC-32 is not the zip's")
        return data

    def _open(self) -> BinaryIO:
        if isinstance(self._package, bytes):
            return io.BytesIO(self._package)
        try:
            return self._package.open("rb")
        except OSError as reason:
            raise PackageError(f"{self.where}: cannot be read: {reason.strerror}") from None

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
        if entry.file_size > max(_RATIO_FREE_BYTES, MAX_RATIO * entry.compress_size):
            raise PackageError(
                f"{self.where}: {name}: unpacks {entry.compress_size} to {entry.file_size} bytes, "
                f"more than {MAX_RATIO} times: a zip bomb"
            )
        if entry.compress_type == zipfile.ZIP_STORED and entry.file_size != entry.compress_size:
            raise PackageError(
                f"{self.where}: {name}: is stored, but declares {entry.compress_size} and "
                f"{entry.file_size} bytes"
            )
        self._entries[name] = entry

    def _check_layout(self, archive_size: int) -> None:
        """Entries must lie in the file one after the other: overlapping ones are a zip bomb."""
        end = 0
        for entry in sorted(self._entries.values(), key=lambda e: e.header_offset):
            if entry.header_offset < end:
                raise PackageError(
                    f"{self.where}: {entry.orig_filename}: shares bytes with another file: "
                    "a zip bomb"
                )
            end = entry.header_offset + _LOCAL_HEADER.size + entry.compress_size
            if end > archive_size:
                raise PackageError(f"{self.where}: {entry.orig_filename}: is cut off")

    def _packed(self, file: BinaryIO, entry: zipfile.ZipInfo) -> bytes:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\3\4":
            raise PackageError(
                f"{self.where}: {entry.orig_filename}: has no header where it should"
            )
        fields = _LOCAL_HEADER.unpack(header)
        flags, method, name_length, extra_length = fields[2], fields[3], fields[9], fields[10]
        raw_name = file.read(name_length)
        name = raw_name.decode("utf-8" if flags & 0x800 else "cp437", errors="replace")
        if name != entry.orig_filename or method != entry.compress_type:
            raise PackageError(
                f"{self.where}: {entry.orig_filename}: its own header calls it {name!r}, "
                f"method {method}; the directory says otherwise"
            )
        file.seek(extra_length, os.SEEK_CUR)
        packed = file.read(entry.compress_size)
        if len(packed) < entry.compress_size:
            raise PackageError(f"{self.where}: {name}: is cut off")
        return packed


def _check_name(where: str, name: str) -> None:
    if not is_safe_name(name):
        raise PackageError(
            f"{where}: {name!r} leaves the package or is no portable file name, refused"
        )


def _check_sizes(where: str, sizes: dict[str, int]) -> None:
    if sizes.get(MANIFEST, 0) > MAX_MANIFEST_BYTES:
        raise PackageError(
            f"{where}: {MANIFEST} has {sizes[MANIFEST]} bytes, "
            f"expected {MAX_MANIFEST_BYTES} at most"
        )
    total = sum(sizes.values())
    if total > MAX_TOTAL_BYTES or len(sizes) > MAX_FILES:
        raise PackageError(
            f"{where}: unpacks to {total} bytes in {len(sizes)} files, "
            f"expected at most {MAX_TOTAL_BYTES} in {MAX_FILES}"
        )
