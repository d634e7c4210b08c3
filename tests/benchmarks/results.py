"""Where benchmarks leave their figures: docs/results/NAME.json, and the table beside it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "write_results"]

RESULTS = Path(__file__).parents[2] / "docs" / "results"


def write_results(
    name: str,
    command: str,
    text: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    record: Mapping[str, Any],
) -> None:
    """`text` above a table of `rows` (floats with three digits, None empty); `record` as JSON."""
    lines = [columns, ["---"] * len(columns), *([_cell(c) for c in row] for row in rows)]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(f"{text.strip()}\n\n{table}\n\n`{command}`\n")
    whole = {
        "command": command,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {p: version(p) for p in ("mien", "torch", "numpy", "warp-lang")},
        **record,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
