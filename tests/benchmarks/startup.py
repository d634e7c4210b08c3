"""How fast mien starts and steps: import, cold start of a session, microseconds per step.

python tests/benchmarks/startup.py CHARACTER.mien     writes docs/results/startup.json and .md

Every start is a new process; the file cache is warm. Budgets: `import mien` below 0.5 s, a session
ready (interpreter running, mien imported, package read, network loaded) below 1 s.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from result_pages import RESULTS, only_rendered

import mien
from mien.session import step_many
from mien_training.metrics.tables import write_results

STARTS, STEPS, WARM_UP = 9, 3000, 100

COLD_START = """
import sys, time
begun = time.perf_counter()
import mien
imported = time.perf_counter()
character = mien.load(sys.argv[1])
session = character.session()
ready = time.perf_counter()
import numpy
session.step(numpy.zeros(character.layout.size, numpy.float32), 0.0)
first = time.perf_counter()
rig = character.rig
print(imported - begun, ready - begun, first - begun, time.perf_counter() - first)
"""


def seconds_of_starts(package: Path) -> dict[str, float]:
    """Median seconds of several fresh processes."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", COLD_START, str(package)],
            check=True, capture_output=True, text=True,
        ).stdout.split()
        for _ in range(STARTS)
    ]  # fmt: skip
    names = ("import_mien_s", "session_ready_s", "first_frame_s", "rig_read_s")
    return {
        name: statistics.median(map(float, column))
        for name, column in zip(names, zip(*runs, strict=True), strict=True)
    }


def microseconds(samples_s: list[float]) -> dict[str, float]:
    """Percentiles of seconds, in microseconds."""
    p50, p99 = np.percentile(samples_s, (50, 99)) * 1e6
    return {"p50_us": float(p50), "p99_us": float(p99)}


def time_steps(character: mien.Character, batch: int) -> dict[str, float]:
    """One step of each of `batch` sessions, together; per session."""
    rng = np.random.default_rng(0)
    size = character.layout.size
    features = rng.normal(0, 0.1, (64, size)).astype(np.float32)
    neutral = np.zeros(size, np.float32)
    sessions = [character.session(neutral=neutral) for _ in range(batch)]
    samples = []
    for i in range((STEPS + WARM_UP) // batch + 1):
        rows = [features[(i + j) % 64] for j in range(batch)]
        begun = time.perf_counter()
        step_many(sessions, rows, [i / 30] * batch)
        samples.append((time.perf_counter() - begun) / batch)
    return microseconds(samples[WARM_UP // batch :])


def page(result: dict[str, Any]) -> str:
    """The page for people."""
    starts = [
        ("`import mien`", "import_mien_s", "0.5 s"),
        ("session ready", "session_ready_s", "1 s"),
        ("first frame out", "first_frame_s", "-"),
        ("rig read besides", "rig_read_s", "-"),
    ]
    rows = [f"| {what} | {result[key]:.3f} s | {budget} |" for what, key, budget in starts]
    step_rows = [
        f"| {b} | {v['p50_us']:.0f} | {v['p99_us']:.0f} |"
        for b, v in result["steps_together"].items()
    ]
    return "\n".join(
        [
            "# Start and step",
            "",
            f"`{result['command']}`: {result['character']}, "
            f"{result['channels']} channels, {result['features']} features; {result['machine']}, "
            f"Python {result['python']}. Starts: median of {result['starts']} fresh processes, "
            "warm file cache. `import mien` loads its names on first use, so numpy and ONNX "
            "Runtime are part of the second line.",
            "",
            "| from a running interpreter | time | budget |",
            "|---|---|---|",
            *rows,
            "",
            "Time of one step in a running session, per session, when so many are stepped "
            "together (one thread):",
            "",
            "| sessions together | p50, microseconds | p99, microseconds |",
            "|---|---|---|",
            *step_rows,
            "",
        ]
    )


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="a character package")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    arguments = parser.parse_args()
    character = mien.load(arguments.package)
    record = {
        "character": character.name,
        "channels": len(character.channel_names),
        "features": character.layout.size,
        "python": platform.python_version(),
        "starts": STARTS,
        **seconds_of_starts(arguments.package),
        "steps_together": {str(batch): time_steps(character, batch) for batch in (1, 8, 32)},
    }
    command = "python tests/benchmarks/startup.py CHARACTER.mien"
    write_results(arguments.out, "startup", command, record, page)


PAGES = {"startup": page}

if __name__ == "__main__":
    main()
