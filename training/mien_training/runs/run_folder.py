"""A run's folder belongs to the call that began it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["claim_inputs", "claimed_folder", "plain_config", "told_config"]

_CONFIG, _INPUTS = "config.json", "inputs.json"


def plain_config(config: Any, leave_out: tuple[str, ...] = ("out",)) -> dict[str, Any]:
    """The dataclass as plain JSON, without the fields that do not change the result."""
    record: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return {name: value for name, value in record.items() if name not in leave_out}


def told_config(config: Any, leave_out: tuple[str, ...] = ("out",)) -> dict[str, Any]:
    """`plain_config` for what goes to others: of paths their last name alone, as folders may name
    whose machine it was."""
    told: dict[str, Any] = _without_folders(plain_config(config, leave_out))
    return told


@contextmanager
def claimed_folder(
    folder: Path, config: Any, leave_out: tuple[str, ...] = ("out",)
) -> Iterator[None]:
    """While it is entered, and ever after, the folder is this configuration's: config.json says so.

    A call that ends before it wrote anything else into the folder (but the inputs' digests) gives
    it up, so that the corrected one may have it. Raises InputError where a run of other options,
    or something else, is there, and where no folder can be made.
    """
    path, record = folder / _CONFIG, plain_config(config, leave_out)
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
        there = {path.name for path in folder.iterdir()}
        if new_claim and there <= {_CONFIG, _INPUTS}:
            for name in there:
                (folder / name).unlink()
            for made in new_folders:
                made.rmdir()
        raise


def claim_inputs(folder: Path, digests: Mapping[str, str]) -> None:
    """The folder's run is one on inputs of this content: inputs.json says so ever after.

    digests: what the run reads, by name (`rig`, `clip smile.csv`), as content digests: a file may
    change under its old name. Raises InputError, naming what differs, where the folder holds a run
    on other content.
    """
    path, record = folder / _INPUTS, dict(digests)
    if not path.exists():
        write_atomically(path, (json.dumps(record, indent=1) + "\n").encode())
        return
    theirs = _read(path, "the inputs")
    others = [n for n in sorted(theirs.keys() | record) if theirs.get(n) != record.get(n)]
    if others:
        raise InputError(
            f"{path}: changed since this run began: {', '.join(others)}; give another --out, or "
            "delete the folder to start afresh"
        )


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_folders(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    if isinstance(value, str) and Path(value).is_absolute():  # options of type str may be paths
        return Path(value).name
    return value


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
    theirs = _read(path, "the configuration")
    if theirs != record:
        what = "; ".join(_differences(theirs, record))
        raise InputError(f"{path} belongs to a run with other options ({what}): give another --out")


def _read(path: Path, what: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
        if not isinstance(content, dict):
            raise ValueError("no object")
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not {what} of a run ({reason})") from None
    return content


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
