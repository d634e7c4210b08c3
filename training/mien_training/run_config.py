"""A run's folder belongs to the call that began it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["claimed_folder", "plain_config"]


def plain_config(config: Any, leave_out: tuple[str, ...] = ("out",)) -> dict[str, Any]:
    """The dataclass as plain JSON, without the fields that do not change the result."""
    record: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return {name: value for name, value in record.items() if name not in leave_out}


@contextmanager
def claimed_folder(
    folder: Path, config: Any, leave_out: tuple[str, ...] = ("out",)
) -> Iterator[None]:
    """While it is entered, and ever after, the folder is this configuration's: config.json says so.

    A call that fails before it wrote anything else into the folder gives it up,
    so that the corrected one may have it. Raises InputError where a run of other options, or
    something else, is there.
    """
    path, record = folder / "config.json", plain_config(config, leave_out)
    new_folder, new_claim = not folder.exists(), not path.exists()
    before = set() if new_folder else set(folder.iterdir())
    if new_claim:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
    else:
        _check(path, record)
    try:
        yield
    except Exception:
        if new_claim and set(folder.iterdir()) == {*before, path}:
            path.unlink()
            if new_folder:
                folder.rmdir()
        raise


def _check(path: Path, record: dict[str, Any]) -> None:
    try:
        same = json.loads(path.read_text()) == record
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not the configuration of a run ({reason})") from None
    if not same:
        raise InputError(
            f"{path} belongs to a run with other options: give another --out, or delete the "
            "folder to start afresh"
        )
