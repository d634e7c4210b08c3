"""What laying out the training side anew has changed of its figures: nothing, within their noise.

python tests/benchmarks/restructuring.py BASE [--results docs/results]

BASE: a revision of this repository before the rooms were laid (2dd01b2). --results: the folder
that holds the same benchmarks' records of a later version, of one seed or more: rig_synthetic.py
--only "three views" "one view" --seeds 1, rig_stills.py --seeds 1, scan_registration.py,
animator_ablation.py --seeds 1. Figures of the seeds that both have are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from result_pages import RESULTS, only_rendered

from mien_training.metrics.tables import results_page, write_results

ROOT = Path(__file__).parents[2]

TEXT = """# Before and after the rooms were laid

The training side was moved into rooms, its two factories of synthetic people became one, and its
modules of one job were merged. The same benchmarks before (commit {base}) and after, on the seeds
that both have; spread: standard deviation over the seeds of the record before, where it has some.
Persons, images and start values are drawn by other code afterwards, so equality to the last digit
is not to be had."""


def synthetic(record: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """(figure, seed, value)"""
    for fit in ("three views", "one view"):
        for seed, row in record["results"].get(fit, {}).items():
            for key in ("neutral median", "frames", "weights", "per shape", "held out photometric"):
                yield f"rig, {fit}: {key}", seed, float(np.mean(row[key]))


def stills(record: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for name, rows in record["results"].items():
        for seed, row in enumerate(rows, 1):
            yield f"stills, {name} views: fit, median mm", str(seed), row["fit"][0]


def ablation(record: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for method in ("(c) ridge on everything", "(e) LSTM on all"):
        for what, rows in record["results"][method].items():
            for seed, row in enumerate(rows, 1):
                yield f"animator, {method}, {what}: mm", str(seed), row["mm"]


READERS = {"rig_synthetic": synthetic, "rig_stills": stills, "animator_ablation": ablation}
FORMER = {"rig_synthetic": "rig_known_truth"}
"""Names of records before."""


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    figures: dict[str, dict[str, list[float]]] = {}
    for name, read in READERS.items():
        shown = f"{options.base}:docs/results/{FORMER.get(name, name)}.json"
        before = json.loads(subprocess.check_output(["git", "show", shown], cwd=ROOT))
        after = json.loads((options.results / f"{name}.json").read_text())
        old = {(figure, seed): value for figure, seed, value in read(before)}
        for figure, seed, value in read(after):
            if (figure, seed) in old:
                row = figures.setdefault(figure, {"before": [], "after": [], "seeds before": []})
                row["before"].append(old[figure, seed])
                row["after"].append(value)
                row["seeds before"] = [v for (f, _), v in old.items() if f == figure]
    command = f"python tests/benchmarks/restructuring.py {options.base}"
    write_results(
        RESULTS, "restructuring", command, {"base": options.base, "figures": figures}, page
    )


def page(record: dict[str, Any]) -> str:
    rows = []
    for figure, row in record["figures"].items():
        many = len(row["seeds before"])
        rows.append([
            figure, len(row["after"]), float(np.mean(row["before"])), float(np.mean(row["after"])),
            float(np.std(row["seeds before"], ddof=1)) if many > 1 else None,
        ])  # fmt: skip
    columns = ["figure", "seeds", "before", "after", "spread"]
    return results_page(TEXT.format(base=record["base"]), columns, rows, record["command"])


PAGES = {"restructuring": page}


if __name__ == "__main__":
    main()
