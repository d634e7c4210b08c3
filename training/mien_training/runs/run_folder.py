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

    A call that ends before it wrote anything else into the folder gives it up, so that the
    corrected one may have it. Raises InputError where a run of other options, or something else,
    is there, and where no folder can be made.
    """
    path, record = folder / "config.json", plain_config(config, leave_out)
    new_folders = [f for f in (folder, *folder.parents) if not f.exists()]
    new_claim = not path.exists()
    if new_claim:
        _make(folder)
        write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
    else:
        _check(path, record)
    try:
        yield
    except BaseException:
        if new_claim and list(folder.iterdir()) == [path]:
            path.unlink()
            for made in new_folders:
                made.rmdir()
        raise


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(path.name for path in folder.iterdir())
    except OSError as reason:
        raise InputError(
            f"--out {folder}: cannot be the run's folder ({reason.strerror or reason})"
        ) from None
    if others:
        some = ", ".join([*others[:3], *([".."] if len(others) > 3 else [])])
        raise InputError(
            f"--out {folder}: holds other files ({some}), expected an empty folder, a new one, or "
            "that of the same run"
        )


def _check(path: Path, record: dict[str, Any]) -> None:
    try:
        theirs = json.loads(path.read_text())
        if not isinstance(theirs, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not the configuration of a run ({reason})") from None
    if theirs != record:
        what = "; ".join(_differences(theirs, record))
        raise InputError(f"{path} belongs to a run with other options ({what}): give another --out")


def _differences(theirs: dict[str, Any], ours: dict[str, Any], under: str = "") -> list[str]:
    """What differs, in words; the names of nested options are joined by dots."""
    found = []
    for name in sorted(theirs.keys() | ours.keys()):
        option = f"{under}{name}"
        if name not in theirs or name not in ours:
            found.append(f"{option} is unknown {'there' if name in ours else 'to this version'}")
        elif isinstance(theirs[name], dict) and isinstance(ours[name], dict):
            found += _differences(theirs[name], ours[name], f"{option}.")
        elif theirs[name] != ours[name]:
            found.append(f"{option} is {theirs[name]} there, {ours[name]} here")
    return found
