"""Results on disk, each under the hash of everything it follows from."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["Cache", "CacheWarning"]

_MAGIC = b"mien cache 1\n"
_DIGEST = 65


class CacheWarning(UserWarning):
    """A damaged entry was thrown away, and is made anew."""


class Cache:
    """A folder with one file an entry.

    Keys are SHA-256 digests (`content_digest` of all that an entry follows from), so an entry
    never has to be told invalid: other content has another key. Entries are written whole, by any
    number of processes at once, and checked against their own SHA-256 when read.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the folder. Raises InputError where that cannot be."""
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise InputError(
                f"{folder}: cannot be a cache's folder ({reason.strerror or reason})"
            ) from None

    def path(self, key: str) -> Path:
        """Where an entry lies, if it is there. Raises InputError for what is no digest."""
        if not re.fullmatch(r"[0-9a-f]{64}", key):
            raise InputError(f"cache key {key!r}: expected a SHA-256 in hexadecimal digits")
        return self.folder / f"{key}.entry"

    def read(self, key: str) -> bytes | None:
        """The entry's bytes; None if there is none. A damaged one is deleted, with a
        CacheWarning, and counts as none."""
        path = self.path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as reason:
            raise InputError(f"{path}: cannot be read ({reason.strerror or reason})") from None
        start = len(_MAGIC) + _DIGEST
        if data.startswith(_MAGIC):
            payload = data[start:]
            if data[len(_MAGIC) : start] == sha256(payload).hexdigest().encode() + b"\n":
                return payload
        warnings.warn(f"{path}: damaged; it is made anew", CacheWarning, stacklevel=2)
        path.unlink(missing_ok=True)
        return None

    def write(self, key: str, data: bytes) -> None:
        """Put an entry there, whole or not at all. Raises InputError if it cannot be written."""
        digest = sha256(data).hexdigest().encode()
        write_atomically(self.path(key), _MAGIC + digest + b"\n" + data)

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The entry, made and kept if there is none."""
        data = self.read(key)
        if data is None:
            data = make()
            self.write(key, data)
        return data
