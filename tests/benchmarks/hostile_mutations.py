"""10^5 structure-aware mutants of packages, GLBs and resume tokens: typed errors, bounded memory.

python tests/benchmarks/hostile_mutations.py          writes docs/results/hostile_mutations.*

Every batch is a process of its own, so that a crash is counted and not lost. Its memory is what the
process's resident set grows by at its highest (`ru_maxrss`), ONNX Runtime and Pillow included,
after a first pass over mutants of the same kind; the largest input of the batch is subtracted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

if not __package__:
    sys.path.insert(0, str(Path(__file__).parents[1]))

from result_pages import RESULTS, only_rendered
from support.mutations import mutant, read_mutant

from mien_training.metrics.tables import results_page, write_results

COUNTS = {"glb": 36_000, "package": 28_000, "token": 36_000}
BATCH, WARM_UP = 4_000, 40
LIMIT_MB = 64


def run_batch(kind: str, first: int, count: int) -> dict[str, Any]:
    """What happened to mutants `first` to `first + count`; runs in a process of its own."""
    import resource

    def resident_kb() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    warnings.simplefilter("ignore")
    sound = [seed for seed in range(WARM_UP)]
    for seed in sound:
        _read(kind, mutant(kind, seed))
    before, accepted, largest = resident_kb(), 0, 0
    untyped: list[str] = []
    slowest = (0.0, 0)
    for seed in range(first, first + count):
        data = mutant(kind, seed)
        largest = max(largest, len(data))
        begun = time.perf_counter()
        found = _read(kind, data)
        slowest = max(slowest, (time.perf_counter() - begun, seed))
        if isinstance(found, str):
            untyped.append(f"{kind} {seed}: {found}")
        else:
            accepted += found
    above_mb = (resident_kb() - before) / 1024 - largest / 2**20
    return {
        "accepted": accepted,
        "untyped": untyped,
        "above_mb": max(above_mb, 0.0),
        "slowest_s": slowest[0],
        "slowest": slowest[1],
    }


def _read(kind: str, data: bytes) -> bool | str:
    try:
        return read_mutant(kind, data)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {str(error)[:80]} ({Path(place.filename).name})"


def run_kind(kind: str, count: int, progress: Any, task: Any) -> dict[str, Any]:
    total: dict[str, Any] = {"mutants": count, "accepted": 0, "untyped": [], "crashed": []}
    total |= {"above_mb": 0.0, "slowest_s": 0.0}
    for first in range(0, count, BATCH):
        size = min(BATCH, count - first)
        command = [sys.executable, __file__, "--batch", kind, str(first), str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            total["crashed"].append(f"{kind} {first}: exit {done.returncode}: {done.stderr[-300:]}")
        else:
            batch = json.loads(done.stdout.splitlines()[-1])
            total["accepted"] += batch["accepted"]
            total["untyped"] += batch["untyped"]
            for key in ("above_mb", "slowest_s"):
                total[key] = max(total[key], batch[key])
        progress.advance(task, size)
    return total


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", nargs=3, metavar=("KIND", "FIRST", "COUNT"), help="one batch")
    parser.add_argument("--share", type=float, default=1.0, help="of the 10^5 mutants")
    arguments = parser.parse_args()
    if arguments.batch:
        kind, first, count = arguments.batch
        print(json.dumps(run_batch(kind, int(first), int(count))))
        return
    from rich.progress import Progress, TimeElapsedColumn

    counts = {kind: int(count * arguments.share) for kind, count in COUNTS.items()}
    totals = {}
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn()) as progress:
        for kind, count in counts.items():
            task = progress.add_task(kind, total=count)
            totals[kind] = run_kind(kind, count, progress, task)
    for t in totals.values():
        print("\n".join(t["untyped"][:10] + t["crashed"]))
    command = f"python tests/benchmarks/hostile_mutations.py --share {arguments.share:g}"
    record = {"limit_mb": LIMIT_MB, "kinds": totals}
    write_results(RESULTS, "hostile_mutations", command, record, page)
    if any(t["untyped"] or t["crashed"] or t["above_mb"] > LIMIT_MB for t in totals.values()):
        sys.exit(1)


def page(record: dict[str, Any]) -> str:
    rows = [
        [kind, t["mutants"], t["accepted"], len(t["untyped"]), len(t["crashed"]), t["above_mb"],
         t["slowest_s"]]
        for kind, t in record["kinds"].items()
    ]  # fmt: skip
    text = f"""# Damaged input

Seeded mutants of a package, a GLB and a resume token, damaged inside their structures (JSON,
chunks, zip records, protobuf, PNG) with hashes and checksums corrected. Each is read, verified,
decoded, restored. Untyped: exceptions outside MienError. Memory: growth of the process above the
input's size, of which {record["limit_mb"]} MB are allowed."""
    columns = ("input", "mutants", "accepted", "untyped errors", "crashes", "memory, MB",
               "slowest, s")  # fmt: skip
    return results_page(text, columns, rows, record["command"])


PAGES = {"hostile_mutations": page}

if __name__ == "__main__":
    main()
