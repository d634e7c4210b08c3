"""Whole files or none: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mien.errors import InputError

__all__ = ["atomic_file", "write_atomically"]

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write `data` to `path`; nobody ever sees half a file, and a failure leaves nothing behind.

    Raises InputError when the file cannot be written.
    """
    with atomic_file(path) as file:
        file.write(data)
    return Path(path)


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """`write_atomically` for what is written piece by piece: the file is there, whole, once the
    `with` block ends without an error.

    Raises InputError when the file cannot be written.
    """
    target = Path(path)
    # Cut: the target's own name may be as long as the file system allows.
    temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}")
    try:
        # The system applies the umask. Asking for it instead means setting it, for all threads.
        handle = os.open(temporary, _NEW_FILE, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror or error}") from None
