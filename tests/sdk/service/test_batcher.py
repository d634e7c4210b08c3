"""Batches form while a run is in progress; one bad job spoils no other."""

import asyncio
import threading

import pytest

from mien.service.batcher import Batcher


def test_jobs_that_arrive_during_a_run_go_together():
    batches, may_go = [], threading.Event()

    def run(jobs):
        batches.append(list(jobs))
        may_go.wait(5)
        return [job * 10 for job in jobs]

    async def check():
        batcher = Batcher(run, max_batch=3)
        first = asyncio.create_task(batcher.step(0))
        while not batches:
            await asyncio.sleep(0.001)
        rest = [asyncio.create_task(batcher.step(job)) for job in range(1, 6)]
        await asyncio.sleep(0)
        may_go.set()
        assert await asyncio.gather(first, *rest) == [0, 10, 20, 30, 40, 50]
        assert (batcher.jobs, batcher.runs) == (6, 3)
        batcher.close()

    asyncio.run(check())
    assert batches == [[0], [1, 2, 3], [4, 5]]


def test_errors_reach_their_own_job():
    def run(jobs):
        return [ValueError("odd") if job % 2 else job for job in jobs]

    async def check():
        batcher = Batcher(run)
        results = await asyncio.gather(*map(batcher.step, range(4)), return_exceptions=True)
        assert results[0::2] == [0, 2]
        assert all(isinstance(result, ValueError) for result in results[1::2])
        batcher.close()

    asyncio.run(check())


def test_a_failing_run_fails_its_jobs_and_the_next_run_works():
    calls = []

    def run(jobs):
        calls.append(jobs)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return list(jobs)

    async def check():
        batcher = Batcher(run)
        with pytest.raises(RuntimeError, match="broken"):
            await batcher.step(1)
        assert await batcher.step(2) == 2
        batcher.close()

    asyncio.run(check())


def test_a_job_whose_caller_left_is_not_run():
    seen, may_go = [], threading.Event()

    def run(jobs):
        seen.extend(jobs)
        may_go.wait(5)
        return list(jobs)

    async def check():
        batcher = Batcher(run)
        first = asyncio.create_task(batcher.step("first"))
        while not seen:
            await asyncio.sleep(0.001)
        left = asyncio.create_task(batcher.step("left"))
        stays = asyncio.create_task(batcher.step("stays"))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0)
        may_go.set()
        assert await asyncio.gather(first, stays) == ["first", "stays"]
        batcher.close()

    asyncio.run(check())
    assert seen == ["first", "stays"]
