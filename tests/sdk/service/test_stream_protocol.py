"""A client that never reads loses its place; what all sessions hold together is bounded."""

import asyncio
import contextlib
import itertools

import grpc
import numpy as np
import pytest
from support.raw_animation import OPEN, WIRE_LAYOUT, assert_well, exchange_raw
from support.service import NEUTRAL, serving, wait_until_empty

from mien.errors import InputError, ServiceError
from mien.service import background, messages, wire
from mien.service.async_client import AsyncClient
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.statuses import LimitError
from mien.session import Observation

WITH_VERTICES = wire.AnimateOpen(
    "Sphere", WIRE_LAYOUT, neutrals={"": NEUTRAL}, outputs=wire.Outputs(vertices=True)
)


def crowd(sequence):
    """A moment whose answer is large: 16 performers, each with vertices."""
    people = (wire.PerformerInput(str(i), Observation(NEUTRAL)) for i in range(16))
    return wire.FrameInput(sequence, float(sequence), tuple(people))


class Unread:
    """A client on a connection of its own that sends as fast as it may and never reads."""

    async def start(self, address):
        options = [  # a connection of its own, with a window that stays small
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", 65_535),
        ]
        self.channel = grpc.aio.insecure_channel(address, options)
        self.call = self.channel.stream_stream("/mien.v1.AnimationService/Animate")()
        await self.call.write(messages.animate_request_to_bytes(WITH_VERTICES))
        self.sending = asyncio.create_task(self.send())

    async def send(self):
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            for sequence in range(1, 1_000_000):
                await self.call.write(messages.animate_request_to_bytes(crowd(sequence)))
                await asyncio.sleep(0.001)

    async def read_to_the_end(self):
        """The status, once it reads after all."""
        self.sending.cancel()
        # A call whose connection is beyond a status ends as cancelled.
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
            while await self.call.read() is not grpc.aio.EOF:
                pass
        return await self.call.code(), await self.call.details()

    async def stop(self):
        self.sending.cancel()
        await self.channel.close()


def test_clients_that_never_read_lose_their_places(registry):
    """As many as the server has places for; each keeps sending, so it is not silent."""
    limits = Limits(max_sessions=4, idle_timeout_s=0.4)

    async def fill(server):
        clients = [Unread() for _ in range(limits.max_sessions)]
        try:
            for client in clients:
                await client.start(server.address)
            while len(server.limiter) < limits.max_sessions:
                await asyncio.sleep(0.005)
            while len(server.limiter):
                await asyncio.sleep(0.01)
            budgets = server.limiter.budgets
            spent = [b.spent for b in (budgets.sessions, budgets.performers, budgets.waiting_bytes)]
            return spent, await clients[0].read_to_the_end()
        finally:
            for client in clients:
                await client.stop()

    with serving(registry, limits=limits) as server:
        spent, (code, details) = background.run(asyncio.wait_for(fill(server), 20))
        assert_well(server.address)
    assert spent == [0, 0, 0]
    assert code != grpc.StatusCode.OK, details


def test_calls_that_are_never_read_end_with_their_connections(registry):
    """As many as the server takes calls, all of sessions that are over, their clients connected."""
    limits = Limits(
        max_sessions=2,
        max_calls=4,
        idle_timeout_s=0.2,
        max_connection_age_s=1.0,
        connection_grace_s=0.2,
    )

    async def fill(server):
        clients = []
        for _ in range(limits.max_calls):
            clients.append(Unread())
            await clients[-1].start(server.address)
            while not len(server.limiter):
                await asyncio.sleep(0.005)
            while len(server.limiter):
                await asyncio.sleep(0.005)
        return clients

    async def until_answered(address):
        async with AsyncClient(address) as client:
            while True:
                with contextlib.suppress(LimitError):
                    return await client.characters()
                await asyncio.sleep(0.02)

    async def stop(clients):
        for client in clients:
            await client.stop()

    with serving(registry, limits=limits) as server:
        clients = background.run(asyncio.wait_for(fill(server), 20))
        try:
            answer = background.run(asyncio.wait_for(until_answered(server.address), 20))
        finally:
            background.run(stop(clients))
    assert [one.name for one in answer] == ["Sphere"]


def test_a_session_that_outlives_its_connection_goes_on_with_its_token(
    registry, tokens_with_every_answer
):
    limits = Limits(max_connection_age_s=1.0, connection_grace_s=0.5)
    outputs = wire.Outputs(resume_token_interval_s=1e-9)
    token, last_s = b"", 0.0
    with serving(registry, limits=limits) as server, connect(server.address) as client:
        with client.session("Sphere", neutral=NEUTRAL, outputs=outputs) as session:
            with pytest.raises(ServiceError, match=r"UNAVAILABLE|INTERNAL"):
                for frame in itertools.count(1):
                    token = session.exchange({"": NEUTRAL}, frame / 30).resume_token
                    last_s = frame / 30
        with client.session("Sphere", neutral=NEUTRAL, resume_token=token) as session:
            assert session.opened.resumed
            with pytest.raises(InputError, match="times must increase"):
                session.step(NEUTRAL, last_s)


def test_the_calls_of_a_server_are_limited(registry):
    with serving(registry, limits=Limits(max_calls=2)) as server, connect(server.address) as client:
        with client.session("Sphere"), client.session("Sphere"):
            with pytest.raises(LimitError):
                client.characters()
        wait_until_empty(server)
        assert [one.name for one in client.characters()] == ["Sphere"]


def test_performers_are_limited_over_all_sessions(registry):
    limits = Limits(max_performers=2, max_total_performers=3)
    with serving(registry, limits=limits) as server, connect(server.address) as client:
        performers = server.limiter.budgets.performers
        with client.session("Sphere", neutral=NEUTRAL) as one:
            one.exchange({"a": NEUTRAL, "b": NEUTRAL}, 1.0)
            one.exchange({"c": NEUTRAL}, 2.0)  # in the place of one that is not there
            assert performers.spent == 2
            with client.session("Sphere", neutral=NEUTRAL) as two:
                two.exchange({"a": NEUTRAL}, 1.0)
                with pytest.raises(LimitError, match="performer 'b': needs 1 performers, 4 in all"):
                    two.exchange({"a": NEUTRAL, "b": NEUTRAL}, 2.0)
            one.exchange({"c": NEUTRAL}, 3.0)
        wait_until_empty(server)
        assert performers.spent == 0


def test_waiting_messages_are_limited_over_all_sessions(registry):
    opening = len(messages.animate_request_to_bytes(OPEN))
    with serving(registry, limits=Limits(max_waiting_bytes=opening - 1)) as server:
        _, code, details = exchange_raw(server.address, OPEN)
        assert (code.name, "an opening message of" in details) == ("RESOURCE_EXHAUSTED", True)
    with serving(registry, limits=Limits(max_waiting_bytes=4 * opening)) as server:
        assert_well(server.address)
        answers, code, details = exchange_raw(server.address, OPEN, crowd(1))
        assert (len(answers), code.name) == (1, "RESOURCE_EXHAUSTED"), details
        assert_well(server.address)
        wait_until_empty(server)
        assert server.limiter.budgets.waiting_bytes.spent == 0


def test_limits_that_contradict_each_other():
    for bad, words in (
        ({"max_calibration_frames": 601}, "expected at most 600"),
        ({"max_session_bytes": 1000}, "one message may have"),
        ({"max_open_bytes": 1000}, "expected more than max_message_bytes"),
    ):
        with pytest.raises(InputError, match=words):
            Limits(**bad)


def test_the_limits_of_the_default_fit_the_widest_features():
    from mien.tracker.features import FEATURE_GROUPS

    widest = np.zeros(sum(FEATURE_GROUPS.values()), np.float32)
    people = (wire.PerformerInput(f"{i:064}", Observation(widest)) for i in range(16))
    data = messages.animate_request_to_bytes(wire.FrameInput(1, 1.0, tuple(people)))
    assert len(data) <= Limits().max_message_bytes
