"""python result_pages_check.py: every page of results that is not what its script makes of its
record, one a line as JSON; a process of its own, for benchmarks are programs and set it up."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "benchmarks"), str(ROOT / "tests")]
RESULTS = ROOT / "docs" / "results"


def main() -> None:
    found: dict[str, list[str]] = {"same": [], "differ": [], "not here": []}
    for path in sorted((ROOT / "tests" / "benchmarks").glob("*.py")):
        if "\nPAGES = " not in path.read_text():
            continue
        try:
            pages = importlib.import_module(path.stem).PAGES
        except ModuleNotFoundError as missing:
            found["not here"].append(f"{path.stem}: {missing.name}")
            continue
        for name, page in pages.items():
            if not (RESULTS / f"{name}.json").exists():  # a script that nobody has run yet
                continue
            text = page(json.loads((RESULTS / f"{name}.json").read_text()))
            kind = "same" if text == (RESULTS / f"{name}.md").read_text() else "differ"
            found[kind].append(name)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
