"""The client for programs with an event loop; `mien.connect` is the one for all others."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray

from mien.atomic import write_atomically
from mien.errors import ChannelError, InputError, ServiceError
from mien.filters import MAX_CALIBRATION_FRAMES, NeutralEstimator
from mien.manifest import Manifest
from mien.observation import Source
from mien.service.client_stream import AnimateStream, TrackStream, observation
from mien.service.security import channel_credentials, host_of, is_loopback
from mien.service.statuses import error_of
from mien.service.v1 import character_service_pb2 as pb
from mien.service.v1 import character_service_pb2_grpc as pb_grpc
from mien.service.wire import (
    AnimateOpen,
    Layout,
    LostFace,
    Opened,
    Outputs,
    RigReply,
    TrackOpen,
    TrackOutputs,
    TrackReply,
)
from mien.session import Frame
from mien.session_options import SessionOptions
from mien.tracker.features import FeatureLayout

__all__ = ["AsyncClient", "AsyncSession", "CharacterInfo", "SessionRequest", "Tls"]

_KEEPALIVE = [
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),  # vertices of several performers
]
_UNARY_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Tls:
    """Encrypt, and check whom one talks to."""

    server_ca: Path | None = None
    """PEM file of the authority that signed the server's certificate; None: the system's."""
    cert: Path | None = None
    """PEM file of the client's own certificate, for servers that ask for one."""
    key: Path | None = None
    """PEM file of its private key."""


@dataclass(frozen=True)
class CharacterInfo:
    """What a server tells of a character."""

    name: str
    size_bytes: int
    sha256: str
    """Hexadecimal, of the package file."""
    channel_count: int
    rate_hz: float


@dataclass(frozen=True, eq=False)
class SessionRequest:
    """How a session of AnimationService shall run; the defaults suit one live performer."""

    layout: FeatureLayout | None = None
    """Layout of the features that will be sent; None: the character's own, as its manifest names
    it."""
    neutral: NDArray[np.float32] | Mapping[str, NDArray[np.float32]] | None = None
    """(F,) raw features of the only performer at rest, or one per performer; None: the server
    watches the first frames."""
    options: SessionOptions | None = None
    """As `Character.session` takes them; None: the defaults, with the server's own
    `calibration_frames`. More of these than the server's limit are taken for the limit."""
    rate_hz: float = 0.0
    """Expected frames per second; 0: the character's own."""
    outputs: Outputs = field(default_factory=Outputs)
    resume_token: bytes = b""
    """Of the session to continue."""


class AsyncSession:
    """One open session. Times are seconds on any steady clock and must increase.

    What is seen of a performer is a FaceTrack, raw features (F,), a mien.session.Observation, or
    None where there is no face.
    """

    def __init__(self, stream: AnimateStream, opened: Opened, layout: FeatureLayout) -> None:
        self._stream = stream
        self.opened = opened
        self.layout = layout
        self.calibration_frames = opened.settings.calibration_frames
        """First frames in which a neutral is looked for, after the server's limit."""

    @property
    def waiting(self) -> int:
        """Moments sent whose answers were not received yet."""
        return self._stream.waiting

    async def step(self, seen: Source, time_s: float) -> Frame:
        """Send one moment of the only performer and wait for its frame."""
        return (await self.exchange({"": seen}, time_s)).frames[""]

    async def exchange(self, performers: Mapping[str, Source], time_s: float) -> RigReply:
        """Send one moment of several performers and wait for the whole answer."""
        sequence = await self.send(performers, time_s)
        while (reply := await self.receive()).sequence < sequence:
            pass
        return reply

    async def send(self, performers: Mapping[str, Source], time_s: float) -> int:
        """Send without waiting; returns the sequence. Further ahead than
        `opened.settings.mailbox_frames` the server drops the oldest.

        Raises InputError, before anything is sent, for what a local session would refuse.
        """
        seen = {name: observation(value, self.layout) for name, value in performers.items()}
        return await self._stream.send(seen, float(time_s))

    async def receive(self) -> RigReply:
        """The next answer. Raises the error that ended the stream."""
        return await self._stream.receive()

    async def calibrate(
        self,
        neutral: NDArray[np.floating] | None = None,
        frames: int | None = None,
        performer: str = "",
    ) -> None:
        """Take (F,) raw features for a performer's neutral from now on, or estimate it from their
        next `frames` frames; `calibration_frames` then tells how many the server allows.

        Not while another task receives. Raises InputError, before anything is sent, for a neutral
        that does not fit the layout and for less than one frame.
        """
        given: dict[str, NDArray[np.float32]] = {}
        if neutral is not None:
            checked = NeutralEstimator.given(np.asarray(neutral, np.float32), self.layout).neutral
            assert checked is not None
            given[performer] = checked
        if frames is not None and not 1 <= frames <= MAX_CALIBRATION_FRAMES:
            raise InputError(
                f"calibration: frames is {frames}, expected 1 to {MAX_CALIBRATION_FRAMES}"
            )
        ids = () if given else (performer,)
        self.calibration_frames = await self._stream.calibrate(given, ids, frames or 0)

    async def stream(self, moments: Iterable[tuple[Source, float]]) -> AsyncIterator[Frame]:
        """A frame for each (seen, time_s), pipelined as far as nothing gets dropped."""
        for seen, time_s in moments:
            while self.waiting >= self.opened.settings.mailbox_frames:
                yield (await self.receive()).frames[""]
            await self.send({"": seen}, time_s)
        while self.waiting:
            yield (await self.receive()).frames[""]


class AsyncClient:
    """A connection to a server; `async with` closes it.

    Errors of the server come as InputError where the call was wrong, ServiceError otherwise.
    """

    def __init__(
        self,
        address: str,
        token: str | None = None,
        tls: Tls | None = None,
        insecure: bool = False,
    ) -> None:
        """`insecure`: send the token to another machine although nothing encrypts it.

        Raises InputError for an invalid address, and for a token that nothing would encrypt.
        """
        host_of(address)
        if token is not None and tls is None and not is_loopback(address) and not insecure:
            raise InputError(
                f"the token for {address!r} would travel unencrypted: use TLS (tls=Tls(...)), or "
                "say insecure=True"
            )
        self.address = address
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._channel = (
            grpc.aio.insecure_channel(address, _KEEPALIVE)
            if tls is None
            else grpc.aio.secure_channel(
                address, channel_credentials(tls.server_ca, tls.cert, tls.key), _KEEPALIVE
            )
        )
        make_stub: Any = pb_grpc.CharacterServiceStub
        self._characters = make_stub(self._channel)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._channel.close()

    async def characters(self) -> tuple[CharacterInfo, ...]:
        """What the server offers, sorted by name."""
        listed = await self._ask(self._characters.ListCharacters, pb.ListCharactersRequest())
        return tuple(_info(summary) for summary in listed.characters)

    async def manifest(self, name: str) -> Manifest:
        """A character's manifest."""
        given = await self._ask(self._characters.GetCharacter, pb.GetCharacterRequest(name=name))
        return Manifest.from_json(given.manifest_json.encode(), f"{self.address}: {name}")

    async def download(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Save a character's package, whole and checked, or not at all."""
        data, size, sha256 = bytearray(), 0, ""
        try:
            async for chunk in self._characters.DownloadCharacter(
                pb.DownloadCharacterRequest(name=name), metadata=self._metadata
            ):
                if chunk.offset_bytes != len(data):
                    raise ServiceError(f"server {self.address}: a part of {name!r} is missing")
                data += chunk.data
                size, sha256 = chunk.size_bytes, chunk.sha256
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.address) from None
        if len(data) != size or hashlib.sha256(data).hexdigest() != sha256:
            raise ServiceError(
                f"server {self.address}: {name!r} arrived damaged: {len(data)} of {size} bytes, "
                "or another SHA-256 than announced"
            )
        return write_atomically(path, bytes(data))

    @asynccontextmanager
    async def session(
        self, character: str, request: SessionRequest | None = None
    ) -> AsyncIterator[AsyncSession]:
        """Open a session of AnimationService for the length of the block."""
        request = request or SessionRequest()
        layout = request.layout
        if layout is None:
            manifest = await self.manifest(character)
            try:
                layout = FeatureLayout(manifest.features)
            except ChannelError as error:
                raise InputError(f"character {character!r}: {error}: update mien") from None
        neutral = request.neutral
        given = {} if neutral is None else neutral
        opening = AnimateOpen(
            character=character,
            layout=_wire_layout(layout),
            rate_hz=request.rate_hz,
            outputs=request.outputs,
            neutrals=given if isinstance(given, Mapping) else {"": given},
            resume_token=request.resume_token,
            **_option_fields(request.options),
        )
        stream = AnimateStream(self._call("/mien.v1.AnimationService/Animate"), self.address)
        try:
            yield AsyncSession(stream, await stream.open(opening), layout)
        finally:
            await stream.close()

    @asynccontextmanager
    async def tracking(
        self,
        character: str = "",
        max_faces: int = 1,
        outputs: TrackOutputs | None = None,
        request: SessionRequest | None = None,
    ) -> AsyncIterator[TrackStream]:
        """Open a session of TrackingService for the length of the block.

        `request` tells how the character is animated; it has no meaning without one, but for
        `layout`: the feature groups wanted.
        """
        request = request or SessionRequest()
        neutral = request.neutral
        if neutral is not None and not isinstance(neutral, Mapping):
            raise InputError('tracking: give neutrals by face, {"0": neutral}')
        opening = TrackOpen(
            max_faces=max_faces,
            track_outputs=outputs or TrackOutputs(),
            character=character,
            rate_hz=request.rate_hz,
            outputs=request.outputs,
            neutrals=neutral or {},
            layout=Layout() if request.layout is None else _wire_layout(request.layout),
            resume_token=request.resume_token,
            **_option_fields(request.options),
        )
        stream = TrackStream(self._call("/mien.v1.TrackingService/Track"), self.address)
        try:
            await stream.open(opening)
            yield stream
        finally:
            await stream.close()

    async def track(
        self, images: Iterable[tuple[bytes, float]], **options: Any
    ) -> AsyncIterator[TrackReply]:
        """An answer for each (encoded image, time_s); `options` as `tracking` takes them."""
        async with self.tracking(**options) as stream:
            assert stream.opened is not None
            for image, time_s in images:
                while stream.waiting >= stream.opened.settings.mailbox_frames:
                    yield await stream.receive()
                await stream.send(image, time_s)
            while stream.waiting:
                yield await stream.receive()

    def _call(self, method: str) -> Any:
        return self._channel.stream_stream(method)(metadata=self._metadata)

    async def _ask(self, method: Any, request: Any) -> Any:
        try:
            return await method(request, metadata=self._metadata, timeout=_UNARY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise error_of(error, self.address) from None


def _option_fields(options: SessionOptions | None) -> dict[str, Any]:
    """The fields of an opening message that say how performers are treated."""
    if options is None:
        return {}
    return {
        "smoothing": options.smoothing,
        "calibration_frames": options.calibration_frames,
        "neutral_relative": options.calibration_frames == 0,
        "lost_face": LostFace(
            options.min_presence, options.hold_s, options.decay_s, options.forget_s
        ),
    }


def _wire_layout(layout: FeatureLayout) -> Layout:
    named = Layout(layout.names_and_sizes)
    return Layout(named.groups, named.hash)


def _info(summary: pb.CharacterSummary) -> CharacterInfo:
    return CharacterInfo(
        summary.name, summary.size_bytes, summary.sha256, summary.channel_count, summary.rate_hz
    )
