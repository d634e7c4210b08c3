"""An AnimationService client that sends whatever it is told, for tests."""

import asyncio

import grpc

from mien.service import background, messages, wire
from mien.session import Observation
from mien.tracker.features import FeatureLayout
from support.service import NEUTRAL

LAYOUT = FeatureLayout(("scores", "head_rotation"))
WIRE_LAYOUT = wire.Layout(LAYOUT.names_and_sizes)
OPEN = wire.AnimateOpen("Sphere", WIRE_LAYOUT, neutrals={"": NEUTRAL})


def frame(sequence=1, features=NEUTRAL, time_s=None, name=""):
    time_s = float(sequence) if time_s is None else time_s
    return wire.FrameInput(sequence, time_s, (wire.PerformerInput(name, Observation(features)),))


def exchange_raw(address, *requests, close=True):
    """Send raw messages; returns (answers, status code, details)."""

    async def go():
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.stream_stream("/mien.v1.AnimationService/Animate")()
            answers = []
            try:
                for request in requests:
                    data = request
                    if not isinstance(request, bytes):
                        data = messages.animate_request_to_bytes(request)
                    await call.write(data)
                if close:
                    await call.done_writing()
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass
            try:
                while (data := await call.read()) is not grpc.aio.EOF:
                    answers.append(messages.animate_response_from_bytes(data, ("a", "b", "c")))
            except grpc.aio.AioRpcError:
                pass
            return answers, await call.code(), await call.details()

    return background.run(asyncio.wait_for(go(), 20))


def exchange_in_step(address, *requests):
    """Send raw messages, each after the answer to the one before; returns the answers."""

    async def go():
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.stream_stream("/mien.v1.AnimationService/Animate")()
            answers = []
            for request in requests:
                await call.write(messages.animate_request_to_bytes(request))
                answers.append(
                    messages.animate_response_from_bytes(await call.read(), ("a", "b", "c"))
                )
            return answers

    return background.run(asyncio.wait_for(go(), 20))


def assert_well(address):
    """A good session still works."""
    answers, code, _ = exchange_raw(address, OPEN, frame(1), frame(2))
    assert code is grpc.StatusCode.OK
    assert [type(answer) for answer in answers] == [wire.Opened, wire.RigReply, wire.RigReply]
