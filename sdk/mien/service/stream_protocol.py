"""What both streaming services share: opening, mailbox, idle timeout, limits, draining.

A service gives a parser and a function that opens a session; everything that can go wrong with a
stream is dealt with here, once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc

from mien.errors import InputError, MienError
from mien.service.mailbox import Mailbox
from mien.service.statuses import DrainingError, IdleError, LimitError, OrderError, status_of

__all__ = ["Arrival", "Limits", "LiveSession", "SessionLimiter", "StreamProtocol", "stream_handler"]

log = logging.getLogger("mien.service")


@dataclass(frozen=True)
class Limits:
    """What a server grants. Every queue and every buffer is bounded by one of these."""

    max_sessions: int = 64
    """Streams of both services together; the next is refused (RESOURCE_EXHAUSTED)."""
    max_performers: int = 16
    """Performers in one frame, and performers whose state a session keeps."""
    max_faces: int = 4
    """Faces that one tracking session may follow."""
    mailbox_frames: int = 2
    """Frames that may wait in a session; newer ones push the oldest out."""
    max_message_bytes: int = 262_144
    """Of a message to AnimationService: 16 performers of the widest feature layout."""
    max_image_bytes: int = 4_194_304
    """Of a message to TrackingService: an encoded image and a few bytes around it."""
    max_image_pixels: int = 16_777_216
    """Of a decoded image, width times height."""
    max_rate_hz: float = 240.0
    """The highest frame rate that a session may ask for."""
    open_timeout_s: float = 10.0
    """How long a new stream may stay silent."""
    idle_timeout_s: float = 60.0
    """How long an open session may stay silent."""

    def __post_init__(self) -> None:
        """Raises InputError for a limit that is not above 0."""
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise InputError(f"limit {name} is {value}, expected a finite number above 0")


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


Opening = TypeVar("Opening")


@dataclass(frozen=True)
class StreamProtocol(Generic[Opening]):
    """How one service talks."""

    service: str
    """Its full name in the protocol."""
    method: str
    """The name of its stream."""
    parse: Callable[[bytes], Any]
    opening: type[Opening]
    max_bytes: int
    open_session: Callable[[Opening, str], Awaitable[LiveSession]]
    """Opening message and session id -> the session; raises MienError to refuse."""


def new_session_id() -> str:
    """A name for a session in the log."""
    return secrets.token_hex(6)


class SessionLimiter:
    """Admission: who is in, how many may be, and whether the server is about to stop."""

    def __init__(self, max_sessions: int) -> None:
        self._max_sessions = max_sessions
        self._live: set[Mailbox[Arrival]] = set()
        self.draining = False

    def __len__(self) -> int:
        return len(self._live)

    @contextmanager
    def acquire(self, mailbox: Mailbox[Arrival]) -> Iterator[None]:
        """Count a session in for the duration. Raises LimitError, DrainingError."""
        if self.draining:
            raise DrainingError("the server is stopping, open a session elsewhere")
        if len(self._live) >= self._max_sessions:
            raise LimitError(
                f"all {self._max_sessions} sessions of this server are taken, try again later"
            )
        self._live.add(mailbox)
        try:
            yield
        finally:
            self._live.discard(mailbox)

    def drain(self) -> None:
        """End every session after the frames that wait in it."""
        self.draining = True
        for mailbox in self._live:
            mailbox.fail(
                DrainingError("the server is stopping, go on elsewhere with the last resume token")
            )


def stream_handler(
    protocol: StreamProtocol[Any], limiter: SessionLimiter, limits: Limits
) -> grpc.GenericRpcHandler:
    """What a gRPC server takes.

    Bytes in and out: messages are parsed inside, where a bad one gets its own status.
    """

    async def handle(
        requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[bytes]:
        async for answer in run_stream(requests, context, protocol, limiter, limits):
            yield answer

    method: Any = grpc.stream_stream_rpc_method_handler(handle)
    return grpc.method_handlers_generic_handler(protocol.service, {protocol.method: method})


async def run_stream(
    requests: AsyncIterator[bytes],
    context: grpc.aio.ServicerContext[Any, Any],
    service: StreamProtocol[Any],
    limiter: SessionLimiter,
    limits: Limits,
) -> AsyncIterator[bytes]:
    """Run one stream from its opening message to its end; yields serialised answers."""
    session_id = new_session_id()
    mailbox: Mailbox[Arrival] = Mailbox(limits.mailbox_frames)
    tasks: list[asyncio.Task[None]] = []
    try:
        with limiter.acquire(mailbox):
            opening = await _opening(requests, service, limits.open_timeout_s)
            session = await service.open_session(opening, session_id)
            log.info("session %s of %s: open", session_id, context.peer())
            yield session.opened
            reader = _Reader(requests, service, mailbox)
            tasks = [
                asyncio.create_task(reader.read()),
                asyncio.create_task(reader.watch(limits.idle_timeout_s)),
            ]
            while (arrival := await mailbox.take()) is not None:
                yield await session.answer(
                    arrival.message, arrival.at_s, mailbox.dropped, limiter.draining
                )
    except Exception as error:
        if not isinstance(error, MienError):
            log.exception("session %s failed", session_id)
        code, details = status_of(error)
        log.info("session %s: %s: %s", session_id, code.name, details)
        await context.abort(code, details)
    finally:
        for task in tasks:
            task.cancel()
        log.info("session %s: over, %d frames dropped", session_id, mailbox.dropped)


async def _opening(
    requests: AsyncIterator[bytes], service: StreamProtocol[Any], wait_s: float
) -> Any:
    try:
        data = await asyncio.wait_for(anext(requests), wait_s)
    except asyncio.TimeoutError:
        raise IdleError(f"no opening message came within {wait_s:g} s") from None
    except StopAsyncIteration:
        raise OrderError("the stream ended before its opening message `open`") from None
    opening = _checked(data, service)
    if not isinstance(opening, service.opening):
        raise OrderError("the first message of a stream must be `open`")
    return opening


def _checked(data: bytes, service: StreamProtocol[Any]) -> Any:
    if len(data) > service.max_bytes:
        raise LimitError(f"message of {len(data)} bytes, at most {service.max_bytes} are taken")
    return service.parse(data)


class _Reader:
    """Moves a stream's messages into its mailbox, and checks that they go forward."""

    def __init__(
        self,
        requests: AsyncIterator[bytes],
        service: StreamProtocol[Any],
        mailbox: Mailbox[Arrival],
    ) -> None:
        self._requests = requests
        self._service = service
        self._mailbox = mailbox
        self._heard_s = time.perf_counter()
        self._last: tuple[int, float] | None = None

    async def read(self) -> None:
        try:
            async for data in self._requests:
                self._heard_s = time.perf_counter()
                message = _checked(data, self._service)
                self._check_order(message)
                self._mailbox.put(Arrival(message, self._heard_s))
            self._mailbox.close()
        except Exception as error:  # handed over: the handler ends the call with it
            self._mailbox.fail(error)

    async def watch(self, timeout_s: float) -> None:
        with suppress(asyncio.CancelledError):
            while (silent_s := time.perf_counter() - self._heard_s) < timeout_s:
                await asyncio.sleep(timeout_s - silent_s)
            self._mailbox.fail(IdleError(f"nothing came for {timeout_s:g} s"))

    def _check_order(self, message: Any) -> None:
        if isinstance(message, self._service.opening):
            raise OrderError("`open` came a second time: a stream has one session")
        moment = (message.sequence, message.capture_time_s)
        if self._last is not None and not (moment[0] > self._last[0] and moment[1] > self._last[1]):
            raise OrderError(
                f"frame {moment[0]} at {moment[1]:g} s came after frame {self._last[0]} at "
                f"{self._last[1]:g} s: sequence and capture_time_s must both rise"
            )
        self._last = moment
