"""Sessions begin and end: limits, vanished clients, silence, overload, draining."""

import asyncio
import subprocess
import sys
import threading

import grpc
import pytest
from support.raw_animation import OPEN, assert_well, exchange_raw, frame
from support.service import NEUTRAL, serving, wait_until_empty

from mien.errors import ServiceError
from mien.service import background, messages, statuses
from mien.service.async_client import AsyncClient, SessionRequest
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.mailbox import Mailbox


def test_sessions_are_admitted_up_to_the_limit(registry):
    with serving(registry, limits=Limits(max_sessions=2)) as server, connect(server.address) as c:
        with c.session("Sphere") as one, c.session("Sphere") as two:
            with pytest.raises(statuses.LimitError, match="all 2 sessions"), c.session("Sphere"):
                pass
            one.step(NEUTRAL, 1.0)
            two.step(NEUTRAL, 1.0)
        wait_until_empty(server)
        assert_well(server.address)


def test_a_client_that_vanishes_is_cleaned_up(server):
    async def vanish():
        async with grpc.aio.insecure_channel(server.address) as channel:
            call = channel.stream_stream("/mien.v1.AnimationService/Animate")()
            for request in (OPEN, frame(1)):
                await call.write(messages.animate_request_to_bytes(request))
            await call.read()
            assert len(server.limiter) == 1
            call.cancel()

    for _ in range(3):
        background.run(vanish())
        wait_until_empty(server)
    assert_well(server.address)


ENDLESS = """
import itertools, sys
import numpy as np
import mien

client = mien.connect(sys.argv[1])
with client.session("Sphere", options=mien.SessionOptions(calibration_frames=1)) as session:
    for i in itertools.count(1):
        session.step(np.zeros(55, np.float32), i / 30)
        print(i, flush=True)
"""


def test_a_client_process_that_is_killed_mid_stream_is_cleaned_up(server):
    command = [sys.executable, "-c", ENDLESS, server.address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        for _ in range(5):
            assert process.stdout.readline()
        assert len(server.limiter) == 1
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()
    wait_until_empty(server)
    assert_well(server.address)


def test_silence_ends_a_session(registry):
    limits = Limits(idle_timeout_s=0.2, open_timeout_s=0.2)
    with serving(registry, limits=limits) as server:
        answers, code, details = exchange_raw(server.address, OPEN, frame(1), close=False)
        assert (len(answers), code, details) == (
            2, grpc.StatusCode.DEADLINE_EXCEEDED, "nothing came for 0.2 s",
        )  # fmt: skip
        _, code, details = exchange_raw(server.address, close=False)
        assert code is grpc.StatusCode.DEADLINE_EXCEEDED and "no opening message" in details
        wait_until_empty(server)


def test_overtaken_frames_are_dropped_counted_and_the_rest_in_order(server, monkeypatch):
    """Frames that come while a step runs: the newest two are answered, the others counted."""
    received = []
    put = Mailbox.put

    def count(mailbox, message, *details):
        received.append(message)
        put(mailbox, message, *details)

    monkeypatch.setattr(Mailbox, "put", count)
    may_go = threading.Event()
    run = server.batcher._run

    def slow(steps):
        may_go.wait(5)
        return run(steps)

    server.batcher._run = slow

    async def go():
        async with AsyncClient(server.address) as client:
            request = SessionRequest(neutral=NEUTRAL)
            async with client.session("Sphere", request) as session:
                for sequence in range(1, 11):
                    await session.send({"": NEUTRAL}, float(sequence))
                while len(received) < 10:  # all are in the server, behind the step that waits
                    await asyncio.sleep(0.001)
                may_go.set()
                replies = []
                while session.waiting:
                    replies.append(await session.receive())
                return replies

    replies = background.run(go())
    sequences = [reply.sequence for reply in replies]
    assert sequences == sorted(set(sequences)) and sequences[-1] == 10
    assert replies[-1].dropped == 10 - len(replies) >= 6


def test_draining_hands_out_tokens_and_ends_as_unavailable(registry):
    with serving(registry) as server, connect(server.address) as client:
        with client.session("Sphere", neutral=NEUTRAL) as session:
            assert not session.exchange({"": NEUTRAL}, 1.0).resume_token

            async def begin():
                return asyncio.create_task(server.stop(grace_s=0.5))

            stopping = background.run(begin())

            async def draining():
                while not server.limiter.draining:
                    await asyncio.sleep(0.005)

            background.run(draining())
            assert session.exchange({"": NEUTRAL}, 2.0).resume_token
            with pytest.raises(ServiceError, match="stopping"), client.session("Sphere"):
                pass

            async def finish():
                await stopping

            background.run(finish())
            with pytest.raises(ServiceError, match="last resume token"):
                session.step(NEUTRAL, 3.0)
