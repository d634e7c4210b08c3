"""What the files of every avatar training have in common: arrays with a hash, and consent."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.consent import Consent
from mien.errors import InputError, PackageError
from mien.strict_json import Fields, parse_strict

__all__ = ["AGAIN", "read_arrays", "read_record", "write_run"]

AGAIN = "run `mien train avatar` again"


def write_run(
    record_path: Path, arrays_path: Path, record: Mapping[str, Any], consent: Consent | None,
    arrays: Mapping[str, NDArray[Any]],
) -> None:  # fmt: skip
    """Write both files; the record last, with the hash of the arrays, so that a folder which has it
    is complete. Raises InputError for a record that JSON cannot hold, before anything is written.
    """
    record_path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    data = buffer.getvalue()
    told = {
        **record,
        "consent": None if consent is None else asdict(consent),
        "arrays_sha256": hashlib.sha256(data).hexdigest(),
    }
    try:
        text = json.dumps(told, indent=1, allow_nan=False)
    except (TypeError, ValueError) as reason:
        raise InputError(f"{record_path}: metrics or provenance: {reason}") from None
    write_atomically(arrays_path, data)
    write_atomically(record_path, text.encode() + b"\n")


def read_record(path: Path, method: str) -> tuple[Fields, Consent | None]:
    """The record of an avatar training by this method. Raises InputError, naming the file and the
    field, for one that is unfinished, damaged, or of another kind of training."""
    where = str(path)
    if not path.is_file():
        raise InputError(
            f"{path}: not there; expected the folder of a finished `mien train avatar`"
        )
    record = Fields(parse_strict(path.read_bytes(), where, InputError), where, InputError)
    for key, expected in (("kind", "avatar"), ("method", method)):
        if record.text(key) != expected:
            raise InputError(
                f"{path}: field {key!r} is {record.text(key)!r}, expected {expected!r}"
            )
    return record, _consent(record)


def read_arrays(path: Path, record: Fields) -> dict[str, NDArray[Any]]:
    """The arrays that a record was written with, by name."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != record.text("arrays_sha256"):
            raise InputError(
                f"{path}: is not the one that {Path(record.where).name} was written with (its "
                f"SHA-256); {AGAIN}"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, BadZipFile) as reason:
        raise InputError(f"{path}: missing or damaged ({reason}); {AGAIN}") from None


def _consent(record: Fields) -> Consent | None:
    if record.values.get("consent", ...) is None:
        return None
    told = record.object("consent")
    consent = Consent(told.text("kind"), told.text("statement"))
    try:
        consent.check(f"{record.where}: field 'consent")
    except PackageError as error:
        raise InputError(str(error)) from None
    return consent
