"""Result tables: one Markdown page for people, and the same figures as JSON beside it."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mien.atomic import write_atomically
from mien.errors import InputError

__all__ = ["Page", "markdown_table", "render_results", "results_page", "write_results"]

Page = Callable[[dict[str, Any]], str]
"""What people read of a record, as it comes back from its JSON file."""

_PACKAGES = ("mien", "torch", "numpy", "warp-lang")


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table; floats with three significant digits, None and NaN as empty cells.

    Raises InputError for a row that has not one cell a column.

    >>> print(markdown_table(["fit", "mm"], [["one view", 1.4567], ["two | three", None]]))
    | fit | mm |
    | --- | --- |
    | one view | 1.46 |
    | two \\| three |  |
    """
    for row in rows:
        if len(row) != len(columns):
            raise InputError(
                f"markdown_table: row {list(row)!r} has {len(row)} cells, expected {len(columns)}: "
                f"{', '.join(columns)}"
            )
    lines = [[_cell(c) for c in columns], ["---"] * len(columns)]
    lines += [[_cell(c) for c in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def results_page(
    text: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], command: str
) -> str:
    """The usual page: what was measured, the table, and how to measure it again."""
    return f"{text.strip()}\n\n{markdown_table(columns, rows)}\n\n`{command}`\n"


def write_results(
    folder: Path, name: str, command: str, record: Mapping[str, Any], page: Page
) -> None:
    """Write folder/NAME.json: `record`; and NAME.md: what `page` makes of it.

    The JSON also holds the command, the machine and versions; NaN and infinity become null, which
    JSON has no numbers for. The folder is made if need be. Raises InputError for places that
    cannot be written, and what `page` raises, before anything is written.
    """
    whole = {
        "command": command,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {package: version(package) for package in _PACKAGES},
        **record,
    }
    data = json.dumps(_finite(whole), indent=1, allow_nan=False) + "\n"
    text = page(json.loads(data))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made: {error.strerror or error}") from None
    write_atomically(folder / f"{name}.json", data.encode())
    write_atomically(folder / f"{name}.md", text.encode())


def render_results(folder: Path, name: str, page: Page) -> None:
    """Write folder/NAME.md anew from NAME.json, measuring nothing.

    Raises InputError for a record that is not there, or is not one.
    """
    path = folder / f"{name}.json"
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError) as reason:
        raise InputError(f"{path}: not a record of results ({reason})") from None
    write_atomically(folder / f"{name}.md", page(record).encode())


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def _finite(value: Any) -> Any:
    """The value with plain types, and null for what is not a number."""
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
