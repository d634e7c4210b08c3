"""A run's folder belongs to the call that began it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["claim_folder", "plain_config"]


def plain_config(config: Any, leave_out: tuple[str, ...] = ("out",)) -> dict[str, Any]:
    """The dataclass as plain JSON, without the fields that do not change the result."""
    record: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return {name: value for name, value in record.items() if name not in leave_out}


def claim_folder(folder: Path, config: Any, leave_out: tuple[str, ...] = ("out",)) -> None:
    """Write config.json into an existing folder, or see that it is this configuration's.

    Raises InputError where a run of other options, or something else, is there.
    """
    path, record = folder / "config.json", plain_config(config, leave_out)
    if not path.exists():
        write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
        return
    try:
        same = json.loads(path.read_text()) == record
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not the configuration of a run ({reason})") from None
    if not same:
        raise InputError(
            f"{path} belongs to a run with other options: give another --out, or delete the "
            "folder to start afresh"
        )
