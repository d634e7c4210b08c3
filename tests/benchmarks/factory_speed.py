"""The factory of synthetic people against the code before it: images per second, memory.

python tests/benchmarks/factory_speed.py BASE [--rounds 2] [--frames 20000]

BASE is a checkout of commit 2dd01b2. Before and after run in turns, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from result_pages import RESULTS, only_rendered

from mien_training.metrics.tables import results_page, write_results
from mien_training.runs.progress import Progress

HERE = Path(__file__).parents[2]
KEPT = HERE / "runs" / "factory_speed" / "memory.json"
"""Delete it to measure memory anew."""

RECORDINGS = """
import json, resource, sys, tempfile, time
from pathlib import Path
from mien_training.animator.dataset import SceneJob, make_recordings
if __name__ == "__main__":
    jobs = [SceneJob(1, 40), SceneJob(2, 20, "posed"), SceneJob(3, 20, "sparse"),
            SceneJob(4, 20, "sparse", strength="strong")]
    start = time.perf_counter()
    made = make_recordings(jobs, Path(tempfile.mkdtemp(dir=sys.argv[2])), int(sys.argv[1]))
    took = time.perf_counter() - start
    cpu = sum(sum(resource.getrusage(w)[:2])
              for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"images": sum(j.frames + 3 for j in jobs), "seconds": took, "cpu": cpu,
                      "sum": float(sum(abs(r.features).sum() for r in made))}))
"""
PERSONS = """
import json, resource, time
import numpy as np
from mien.clip import Clip
from mien_training.templates import load_template
try:
    from mien_training.synthetic.person import SyntheticPerson as Person, record_views
except ImportError:
    from mien_training.rig.known_truth import KnownPerson as Person, record_views
template = load_template("anny")
start = time.perf_counter()
person = Person.make(template, 1)
t = np.arange(16) / 30
clip = Clip(("jawOpen", "headYaw"), t, np.stack([t, 0.3 * t], 1).astype(np.float32))
sums = [int(v.images.sum(dtype=np.int64)) for c in (1, 3) for v in
        record_views(person, clip, c, size=224, seed=1).views]
images = sum(len(v.times_s) for c in (1, 3) for v in record_views(person, clip, c, size=224).views)
print(json.dumps({"images": 2 * images, "seconds": time.perf_counter() - start, "sum": sum(sums),
                  "cpu": sum(resource.getrusage(resource.RUSAGE_SELF)[:2])}))
"""


def measured(root: Path, code: str, *arguments: str) -> dict[str, float]:
    """What `code` prints, run on the sources in `root`."""
    paths = os.pathsep.join(str(root / name) for name in ("sdk", "exporters", "training"))
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "measure.py"
        script.write_text(code)
        done = subprocess.run(
            [sys.executable, str(script), *arguments, folder], check=True, capture_output=True,
            env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    return json.loads(done.stdout.decode().splitlines()[-1])


def family_mb() -> float:
    """Resident memory of this process' children, MB."""
    total, page = 0, os.sysconf("SC_PAGE_SIZE")
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                total += int(Path(f"/proc/{child}/statm").read_text().split()[1]) * page
            except (OSError, IndexError):
                continue
    return total / 1e6


def memory(frames: int) -> dict[str, object]:
    """Resident memory while `frames` small images are made by two processes."""
    from mien_training.synthetic.factory import (
        CameraSpec,
        DatasetReader,
        DatasetSpec,
        LabelSpec,
        PersonSpec,
        SequenceSpec,
        generate_dataset,
    )
    from mien_training.synthetic.performance_spec import PerformanceSpec

    sequence = SequenceSpec(
        PersonSpec(identity="template", texture_side=32),
        PerformanceSpec("sparse", 50),
        cameras=CameraSpec(size=32),
    )
    spec = DatasetSpec(sequence, LabelSpec(part=False), frames // 50, frames_per_shard=200)
    samples: list[tuple[int, float]] = []
    done = [0]
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(1.0):
            samples.append((done[0] * 200, family_mb()))

    def report(progress: Progress) -> None:
        done[0] = progress.done

    thread = threading.Thread(target=sample)
    thread.start()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        generate_dataset(spec, Path(folder), 2, report)
        seconds = time.perf_counter() - start
        stop.set()
        thread.join()
        read = sum(1 for _ in DatasetReader(Path(folder)))
    parts = []
    for k in range(4):
        low, high = k * frames / 4, (k + 1) * frames / 4
        values = [mb for at, mb in samples if low <= at < high and (k or at >= frames / 20)]
        parts.append(median(values) if values else float("nan"))
    return {"frames": read, "seconds": seconds, "rss_mb_quarters": parts}


def keep_memory(frames: int) -> None:
    """Measure it and keep the figures, so that an interrupted call goes on."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(memory(frames)))


def main() -> None:
    if only_rendered(PAGES):
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--frames", type=int, default=20_000)
    options = parser.parse_args()
    cases = [
        ("animator's recordings, 1 worker", RECORDINGS, ("1",)),
        ("animator's recordings, 2 workers", RECORDINGS, ("2",)),
        ("rig's synthetic people, 1 process", PERSONS, ()),
    ]
    record: dict[str, Any] = {}
    for name, code, arguments in cases:
        pairs = []
        for turn in range(options.rounds):
            order = (options.base, HERE) if turn % 2 == 0 else (HERE, options.base)
            found = {root: measured(root, code, *arguments) for root in order}
            pairs.append((found[options.base], found[HERE]))
            print(name, pairs[-1], flush=True)
        rates = [[p["images"] / p["cpu"] for p in pair] for pair in pairs]
        ratio = median(after / before for before, after in rates)
        same = all(before["sum"] == after["sum"] for before, after in pairs)
        record[name] = {"images_per_cpu_s": rates, "ratio": ratio, "same": same, "runs": pairs}
    if not KEPT.exists():
        keep_memory(options.frames)
    command = (
        f"python tests/benchmarks/factory_speed.py BASE --rounds {options.rounds} "
        f"--frames {options.frames}"
    )
    whole = {"cases": record, "memory": json.loads(KEPT.read_text())}
    write_results(RESULTS, "factory_speed", command, whole, page)


def page(record: dict[str, Any]) -> str:
    grown, cases = record["memory"], record["cases"]
    pairs = len(next(iter(cases.values()))["runs"])
    quarters = ", ".join(f"{mb:.0f}" for mb in grown["rss_mb_quarters"])
    text = f"""# Speed of the factory of synthetic people

Images per second of processor time of what the animator and the rig learn from, before (commit
2dd01b2) and after there was one factory for both. Each figure includes everything: the start of
the processes, the person, the paint, rendering, degradation and, for the animator, tracking.
Before and after ran in turns on a machine that others were using at the same time: hence processor
time (of all processes) and not the clock's, and of it only the ratio (median of {pairs}
pairs) means something. "Same": both gave the same features and images. Later changes to the
template's own shapes change them for both.

Memory: {grown["frames"]} images of 32 x 32 pixels by two workers in {grown["seconds"]:.0f} s by the
clock; resident memory of all their processes in the first to the last quarter of them: {quarters}
MB (pages that processes share count once for each)."""
    rows = [
        [name, *(median(r[k] for r in case["images_per_cpu_s"]) for k in (0, 1)), case["ratio"],
         "same" if case["same"] else "differ"]
        for name, case in cases.items()
    ]  # fmt: skip
    columns = ["what", "before, per CPU s", "after, per CPU s", "after : before", "results"]
    return results_page(text, columns, rows, record["command"])


PAGES = {"factory_speed": page}


if __name__ == "__main__":
    main()
