"""Runs the steps of many sessions off the event loop, together when they arrive together.

While nothing runs, a step runs at once: batching adds no wait. While a run is in progress, the
steps that arrive are collected, and go together in the next run: under load batches form by
themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

__all__ = ["Batcher"]

Job = TypeVar("Job")
Result = TypeVar("Result")


class Batcher(Generic[Job, Result]):
    """Hands jobs to `run` in a worker thread, at most `max_batch` at once, in order of arrival.

    `run` gives one result, or one exception in its place, per job: a bad job spoils no other.
    It is never entered twice at a time.
    """

    def __init__(
        self, run: Callable[[Sequence[Job]], Sequence[Result | Exception]], max_batch: int = 32
    ) -> None:
        self._run = run
        self._max_batch = max_batch
        self._waiting: list[tuple[Job, asyncio.Future[Result]]] = []
        self._runner: asyncio.Task[None] | None = None
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="mien-step")
        self.busy_s = 0.0
        """Seconds spent in runs so far."""
        self.jobs = 0
        """Jobs run so far."""
        self.runs = 0
        """Runs so far; jobs / runs is the mean batch."""

    async def step(self, job: Job) -> Result:
        """The job's result; raises what its run raised."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, future))
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._waiting[: self._max_batch]
            del self._waiting[: self._max_batch]
            # A caller that went away leaves its job behind: not worth running.
            batch = [(job, future) for job, future in batch if not future.done()]
            if not batch:
                continue
            begun = time.perf_counter()
            results: Sequence[Result | Exception]
            try:
                results = await loop.run_in_executor(
                    self._worker, self._run, [job for job, _ in batch]
                )
            except Exception as error:
                results = [error] * len(batch)
            self.busy_s += time.perf_counter() - begun
            self.jobs += len(batch)
            self.runs += 1
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    def close(self) -> None:
        """Let the worker thread end after its present run."""
        self._worker.shutdown(wait=False, cancel_futures=True)
