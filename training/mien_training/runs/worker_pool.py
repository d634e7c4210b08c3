"""Work spread over processes of one thread each; a dead one is an error with a name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for
from threading import Thread
from typing import TypeVar

from mien.errors import MienError
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["run_in_processes"]

Job = TypeVar("Job")

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run_in_processes(
    work: Callable[[Job], None],
    jobs: Sequence[Job],
    workers: int | None = None,
    report: Report = silent,
    stage: str = "working",
) -> None:
    """Call `work`, a function of a module, on every job; results go to disk, not back.

    `workers`: processes, one per core if left out. `report` hears of `stage`, job by job. No more
    than two jobs a worker are under way, so that memory does not grow with their number. Workers
    end when this process does, however it ends. Raises what `work` raises, and MienError when a
    process dies; what is finished then stays.
    """
    if not jobs:
        return
    count = min(workers or os.cpu_count() or 1, len(jobs))
    waiting = iter(jobs)
    done = 0
    pool_of_workers = ProcessPoolExecutor(count, get_context("spawn"), _end_with_parent)
    with _one_thread_each(), pool_of_workers as pool:
        running: set[Future[None]] = set()
        try:
            while True:
                while len(running) < 2 * count:
                    job = next(waiting, None)
                    if job is None:
                        break
                    running.add(pool.submit(work, job))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    done += 1
                    report(Progress(stage, done, len(jobs)))
        except BrokenProcessPool:
            raise MienError(
                f"a worker process died after {done} of {len(jobs)} jobs (killed, or out of "
                "memory?); what is finished is kept: call again to go on, perhaps with fewer "
                "workers"
            ) from None
        finally:
            for future in running:
                future.cancel()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for its next job for ever."""
    parent = parent_process()
    assert parent is not None  # a worker is a child

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that fight for cores are several times slower."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
