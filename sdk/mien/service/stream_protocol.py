"""What both streaming services share: opening, mailbox, idle timeout, limits, draining.

A service gives a parser and a function that opens a session; everything that can go wrong with a
stream is dealt with here, once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc

from mien.budget import Budget
from mien.errors import MienError
from mien.service.limits import Limits
from mien.service.mailbox import Mailbox
from mien.service.session_limiter import SessionLimiter
from mien.service.statuses import IdleError, LimitError, OrderError, status_of

__all__ = [
    "Arrival",
    "LiveSession",
    "StreamProtocol",
    "run_stream",
    "stream_handler",
    "write_or_end",
]

log = logging.getLogger("mien.service")


@dataclass(frozen=True, eq=False)
class Arrival:
    """A message and when it came, seconds of time.perf_counter()."""

    message: Any
    at_s: float


class LiveSession(Protocol):
    """One open session of a service."""

    @property
    def opened(self) -> bytes:
        """The answer to the opening message, serialised."""

    async def answer(self, message: Any, arrived_s: float, dropped: int, final: bool) -> bytes:
        """The answer to one later message, serialised. `final`: the server is about to stop."""

    def close(self) -> None:
        """Give back what the session holds of the server's budgets."""


Opening = TypeVar("Opening")


@dataclass(frozen=True)
class StreamProtocol(Generic[Opening]):
    """The messages of one service's stream, and what opens a session of it."""

    service: str
    """Its full name in the protocol."""
    method: str
    """The name of its stream."""
    parse: Callable[[bytes], Any]
    opening: type[Opening]
    frame: type[Any]
    """Messages with `sequence` and `capture_time_s`, which may be dropped; others may not."""
    max_bytes: int
    """Of a message after the opening one."""
    open_session: Callable[[Opening, str], Awaitable[LiveSession]]
    """Opening message and session id -> the session; raises MienError to refuse."""


def new_session_id() -> str:
    """A name for a session in the log."""
    return secrets.token_hex(6)


def stream_handler(
    protocol: StreamProtocol[Any], limiter: SessionLimiter, limits: Limits
) -> grpc.GenericRpcHandler:
    """What a gRPC server takes.

    Bytes in and out: messages are parsed inside, where a bad one gets its own status.
    """

    async def handle(
        requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        await run_stream(requests, context, protocol, limiter, limits)

    method: Any = grpc.stream_stream_rpc_method_handler(handle)
    return grpc.method_handlers_generic_handler(protocol.service, {protocol.method: method})


async def write_or_end(
    context: grpc.aio.ServicerContext[Any, Any], message: Any, timeout_s: float
) -> None:
    """Write to a client. Raises IdleError when it has read too little for `timeout_s` seconds."""
    try:
        await asyncio.wait_for(context.write(message), timeout_s)
    except asyncio.TimeoutError:
        raise IdleError(f"no answer was read for {timeout_s:g} s") from None


async def run_stream(
    requests: AsyncIterator[bytes],
    context: grpc.aio.ServicerContext[Any, Any],
    protocol: StreamProtocol[Any],
    limiter: SessionLimiter,
    limits: Limits,
) -> None:
    """Run one stream from its opening message to its end."""
    session_id = new_session_id()
    own = Budget(limits.max_session_bytes, "bytes of waiting messages", "session", LimitError)
    mailbox: Mailbox[Arrival] = Mailbox(limits.mailbox_frames, (own, limiter.budgets.waiting_bytes))
    try:
        with limiter.acquire(mailbox):
            await _run_session(requests, context, protocol, limiter, limits, mailbox, session_id)
    except Exception as error:
        if not isinstance(error, MienError):
            log.exception("session %s failed", session_id)
        code, details = status_of(error)
        log.info("session %s: %s: %s", session_id, code.name, details)
        # The session is over and its place is free. The status of a client that does not read lies
        # behind what it has not read; until it does, or hangs up, the call counts for `max_calls`.
        with contextlib.suppress(grpc.aio.InternalError):  # the connection is beyond a status
            await context.abort(code, details)
    finally:
        log.info("session %s: over, %d frames dropped", session_id, mailbox.dropped)


async def _run_session(
    requests: AsyncIterator[bytes],
    context: grpc.aio.ServicerContext[Any, Any],
    protocol: StreamProtocol[Any],
    limiter: SessionLimiter,
    limits: Limits,
    mailbox: Mailbox[Arrival],
    session_id: str,
) -> None:
    tasks: list[asyncio.Task[None]] = []
    session = await _open(requests, protocol, limiter, limits, session_id)
    try:
        log.info("session %s of %s: open", session_id, context.peer())
        await write_or_end(context, session.opened, limits.idle_timeout_s)
        reader = _Reader(requests, protocol, mailbox)
        tasks += [
            asyncio.create_task(reader.read()),
            asyncio.create_task(reader.watch(limits.idle_timeout_s)),
        ]
        while (arrival := await mailbox.take()) is not None:
            answer = await session.answer(
                arrival.message, arrival.at_s, mailbox.dropped, limiter.draining
            )
            await write_or_end(context, answer, limits.idle_timeout_s)
    finally:
        for task in tasks:
            task.cancel()
        mailbox.clear()
        session.close()


async def _open(
    requests: AsyncIterator[bytes],
    protocol: StreamProtocol[Any],
    limiter: SessionLimiter,
    limits: Limits,
    session_id: str,
) -> LiveSession:
    """Wait for the opening message and open the session that it asks for."""
    try:
        data = await asyncio.wait_for(anext(requests), limits.open_timeout_s)
    except asyncio.TimeoutError:
        raise IdleError(f"no opening message came within {limits.open_timeout_s:g} s") from None
    except StopAsyncIteration:
        raise OrderError("the stream ended before its opening message `open`") from None
    waiting = limiter.budgets.waiting_bytes
    waiting.spend(len(data), f"an opening message of {len(data)} bytes")
    try:
        opening = _parsed(data, protocol, limits.max_open_bytes)
        if not isinstance(opening, protocol.opening):
            raise OrderError("the first message of a stream must be `open`")
        return await protocol.open_session(opening, session_id)
    finally:
        waiting.release(len(data))


def _parsed(data: bytes, protocol: StreamProtocol[Any], max_bytes: int) -> Any:
    if len(data) > max_bytes:
        raise LimitError(f"message of {len(data)} bytes, at most {max_bytes} are taken")
    return protocol.parse(data)


class _Reader:
    """Moves a stream's messages into its mailbox, and checks that they go forward."""

    def __init__(
        self,
        requests: AsyncIterator[bytes],
        protocol: StreamProtocol[Any],
        mailbox: Mailbox[Arrival],
    ) -> None:
        self._requests = requests
        self._protocol = protocol
        self._mailbox = mailbox
        self._heard_s = time.perf_counter()
        self._last: tuple[int, float] | None = None

    async def read(self) -> None:
        try:
            async for data in self._requests:
                self._heard_s = time.perf_counter()
                message = _parsed(data, self._protocol, self._protocol.max_bytes)
                if isinstance(message, self._protocol.opening):
                    raise OrderError("`open` came a second time: a stream has one session")
                is_frame = isinstance(message, self._protocol.frame)
                if is_frame:
                    self._check_order(message)
                self._mailbox.put(Arrival(message, self._heard_s), len(data), is_frame)
            self._mailbox.close()
        except Exception as error:  # handed over: the handler ends the call with it
            self._mailbox.fail(error)

    async def watch(self, timeout_s: float) -> None:
        with suppress(asyncio.CancelledError):
            while (silent_s := time.perf_counter() - self._heard_s) < timeout_s:
                await asyncio.sleep(timeout_s - silent_s)
            self._mailbox.fail(IdleError(f"nothing came for {timeout_s:g} s"))

    def _check_order(self, message: Any) -> None:
        moment = (message.sequence, message.capture_time_s)
        if self._last is not None and not (moment[0] > self._last[0] and moment[1] > self._last[1]):
            raise OrderError(
                f"frame {moment[0]} at {moment[1]:g} s came after frame {self._last[0]} at "
                f"{self._last[1]:g} s: sequence and capture_time_s must both rise"
            )
        self._last = moment
