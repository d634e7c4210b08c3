"""The client's end of one bidirectional stream: opening, numbered messages, answers in order."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import grpc
import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, ServiceError
from mien.observation import Observation, Source, observed
from mien.service.messages import (
    animate_request_to_bytes,
    animate_response_from_bytes,
    track_request_to_bytes,
    track_response_from_bytes,
)
from mien.service.statuses import error_of
from mien.service.wire import (
    AnimateOpen,
    CalibrateInput,
    CalibrateReply,
    FrameInput,
    ImageInput,
    Opened,
    PerformerInput,
    RigReply,
    TrackOpen,
    TrackReply,
)
from mien.tracker.features import FeatureLayout

__all__ = ["AnimateStream", "TrackStream", "observation"]

Reply = TypeVar("Reply")


def observation(seen: Source, layout: FeatureLayout) -> Observation:
    """What the wire carries of a tracked face, raw features (F,), an Observation, or no face.

    Raises InputError for what a local session would refuse, so that the stream goes on.
    """
    # Whether the face counts as seen is the server's to decide: any presence goes.
    return observed(seen, layout, min_presence=0.0) or Observation(None)


class _Stream(ABC, Generic[Reply]):
    """One call. `send` numbers messages from 1; `receive` gives the answers in that order."""

    def __init__(self, call: Any, address: str) -> None:
        self._call = call
        self._address = address
        self.sent = 0
        """Sequence of the last message sent."""
        self.answered = 0
        """Sequence of the last message answered; all before it were answered or dropped."""
        self.opened: Opened | None = None
        """The settings in force; None before `open`."""

    @abstractmethod
    def _to_bytes(self, message: Any) -> bytes:
        """A message of this service, on the wire."""

    @abstractmethod
    def _from_bytes(self, data: bytes) -> Any:
        """What this service answers, from the wire."""

    @property
    def waiting(self) -> int:
        """Messages sent whose answers were not received yet."""
        return self.sent - self.answered

    async def open(self, opening: AnimateOpen | TrackOpen) -> Opened:
        """Send the opening message; returns the settings in force."""
        await self._write(opening)
        opened: Opened = await self._read()
        self.opened = opened
        return opened

    async def _write(self, message: Any) -> None:
        try:
            await self._call.write(self._to_bytes(message))
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self._address) from None
        except asyncio.InvalidStateError:  # the server ended the call before
            await self._read()
            raise ServiceError(f"server {self._address} ended the stream") from None

    async def _read(self) -> Any:
        try:
            data = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self._address) from None
        if data is grpc.aio.EOF:
            raise ServiceError(f"server {self._address} ended the stream")
        return self._from_bytes(data)

    async def close(self) -> None:
        """End the stream. Answers that were not received are lost."""
        if not self._call.done():
            try:
                await self._call.done_writing()
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                pass
        self._call.cancel()


class AnimateStream(_Stream[RigReply]):
    """A stream of AnimationService."""

    def __init__(self, call: Any, address: str) -> None:
        super().__init__(call, address)
        self._early: deque[RigReply] = deque()
        self._time_s: float | None = None

    def _to_bytes(self, message: Any) -> bytes:
        return animate_request_to_bytes(message)

    def _from_bytes(self, data: bytes) -> Any:
        names = () if self.opened is None else self.opened.channel_names
        return animate_response_from_bytes(data, names)

    async def send(self, performers: dict[str, Observation], time_s: float) -> int:
        """Send one moment; returns its sequence. Raises InputError for times that do not rise."""
        if not math.isfinite(time_s):
            raise InputError(f"session: time is {time_s}, expected finite seconds")
        if self._time_s is not None and time_s <= self._time_s:
            raise InputError(
                f"session: time {time_s} s follows {self._time_s} s: times must increase"
            )
        self._time_s = time_s
        self.sent += 1
        inputs = tuple(PerformerInput(name, seen) for name, seen in performers.items())
        await self._write(FrameInput(self.sent, time_s, inputs))
        return self.sent

    async def receive(self) -> RigReply:
        """The next answer."""
        reply: RigReply = self._early.popleft() if self._early else await self._read()
        self.answered = reply.sequence
        return reply

    async def calibrate(
        self, neutrals: Mapping[str, NDArray[np.float32]], ids: tuple[str, ...], frames: int
    ) -> int:
        """Renew neutrals, see CalibrateInput; returns how many frames are watched.

        Answers to earlier moments that come meanwhile are kept for `receive`.
        """
        assert self.opened is not None
        # In a full mailbox it would push a frame out.
        while self._unread() >= self.opened.settings.mailbox_frames:
            self._early.append(await self._read())
        await self._write(CalibrateInput(neutrals, ids, frames))
        while not isinstance(reply := await self._read(), CalibrateReply):
            self._early.append(reply)
        return reply.frames

    def _unread(self) -> int:
        return self.sent - (self._early[-1].sequence if self._early else self.answered)


class TrackStream(_Stream[TrackReply]):
    """A stream of TrackingService."""

    def _to_bytes(self, message: Any) -> bytes:
        return track_request_to_bytes(message)

    def _from_bytes(self, data: bytes) -> Any:
        names = () if self.opened is None else self.opened.channel_names
        return track_response_from_bytes(data, names)

    async def send(self, image: bytes, time_s: float) -> int:
        """Send one encoded image; returns its sequence."""
        self.sent += 1
        await self._write(ImageInput(self.sent, time_s, image))
        return self.sent

    async def receive(self) -> TrackReply:
        """The next answer."""
        reply: TrackReply = await self._read()
        self.answered = reply.rig.sequence
        return reply
