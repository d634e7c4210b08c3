"""The client: a character on a server, driven as one in this process is.

    with mien.connect("127.0.0.1:50051") as client, client.session("ada") as session:
        ada.record("me.mp4", "take.csv", performer=session)

Synchronous, over mien.service.async_client on the process's background loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.frame import Frame
from mien.manifest import Manifest
from mien.observation import Observation, Source
from mien.service import background
from mien.service.async_client import AsyncClient, AsyncSession, CharacterInfo, SessionRequest, Tls
from mien.service.wire import Opened, Outputs, RigReply, TrackReply
from mien.session_options import SessionOptions
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import FeatureLayout

__all__ = ["Client", "RemoteSession", "SessionRequest", "Tls", "connect"]

T = TypeVar("T")


class RemoteSession:
    """One open session; a `mien.performer.Performer`, as a local session is.

    `with` or `close` ends it. Not for several threads at once.
    """

    def __init__(self, opening: AbstractAsyncContextManager[AsyncSession]) -> None:
        self._opening = opening
        self._session: AsyncSession = background.run(_enter(opening))
        self._closed = False

    def __enter__(self) -> RemoteSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            background.run(_leave(self._opening))

    @property
    def opened(self) -> Opened:
        """The settings in force."""
        return self._session.opened

    @property
    def layout(self) -> FeatureLayout:
        """The layout that features must have."""
        return self._session.layout

    @property
    def channel_names(self) -> tuple[str, ...]:
        """C names, in the order of `Frame.channels`."""
        return self.opened.channel_names

    @property
    def calibration_frames(self) -> int:
        """How many frames a neutral is estimated from, after the server's limit."""
        return self._session.calibration_frames

    def step(
        self,
        seen: Source,
        time_s: float,
        *,
        presence: float = 1.0,
        head_translation_m: NDArray[np.floating] | None = None,
    ) -> Frame:
        """The frame for what is seen of the only performer: a FaceTrack, raw features (F,), an
        Observation, or None where there is no face.

        `presence` and `head_translation_m` go with plain features, as in `Session.step`. Raises
        InputError for input that is refused; the session is then as it was before.
        """
        if seen is not None and not isinstance(seen, (Observation, FaceTrack)):
            seen = Observation(np.asarray(seen), presence, None, head_translation_m)
        return self._run(self._session.step(seen, time_s))

    def exchange(self, performers: Mapping[str, Source], time_s: float) -> RigReply:
        """The whole answer for one moment of several performers."""
        return self._run(self._session.exchange(performers, time_s))

    def calibrate(
        self, neutral: NDArray[np.floating] | None = None, frames: int | None = None
    ) -> None:
        """Take (F,) raw features for the only performer's neutral from now on, or estimate it from
        the next `frames` frames; see AsyncSession.calibrate."""
        self._run(self._session.calibrate(neutral, frames))

    def stream(self, moments: Iterable[tuple[Source, float]]) -> Iterator[Frame]:
        """A frame for each (seen, time_s), in order. The next moments travel while the answer to
        an earlier one is computed; nothing is dropped."""
        session, window = self._session, self._session.opened.settings.mailbox_frames
        for seen, time_s in moments:
            while session.waiting >= window:
                yield self._run(session.receive()).frames[""]
            self._run(session.send({"": seen}, time_s))
        while session.waiting:
            yield self._run(session.receive()).frames[""]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise InputError("session: it was closed")
        return background.run(work)


class Client:
    """A connection to a server; `with` closes it. Errors as AsyncClient has them."""

    def __init__(self, open_client: Callable[[], AsyncClient]) -> None:
        async def make() -> AsyncClient:  # channels belong to the loop that they are made on
            return open_client()

        self._client = background.run(make())

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        background.run(self._client.close())

    def characters(self) -> tuple[CharacterInfo, ...]:
        """What the server offers, sorted by name."""
        return background.run(self._client.characters())

    def manifest(self, name: str) -> Manifest:
        """A character's manifest."""
        return background.run(self._client.manifest(name))

    def download(self, name: str, path: str | os.PathLike[str]) -> Path:
        """Save a character's package, whole and checked, or not at all."""
        return background.run(self._client.download(name, path))

    def session(
        self,
        character: str,
        neutral: NDArray[np.floating] | Mapping[str, NDArray[np.float32]] | None = None,
        options: SessionOptions | None = None,
        *,
        layout: FeatureLayout | None = None,
        rate_hz: float = 0.0,
        outputs: Outputs | None = None,
        resume_token: bytes = b"",
    ) -> RemoteSession:
        """Open a session with a character; `with` or `close` ends it.

        `neutral` and `options` as `Character.session` takes them; the other arguments, and what is
        in force without options, as SessionRequest has them.
        """
        request = SessionRequest(
            layout, neutral, options, rate_hz, outputs or Outputs(), resume_token
        )
        return RemoteSession(self._client.session(character, request))

    def track(self, images: Iterable[tuple[bytes, float]], **options: Any) -> Iterator[TrackReply]:
        """An answer for each (encoded image, time_s), in order; keywords as
        AsyncClient.tracking has them."""
        replies = self._client.track(images, **options)
        try:
            while (reply := background.run(_next(replies))) is not None:
                yield reply
        finally:
            background.run(_close(replies))


def connect(
    address: str, token: str | None = None, tls: Tls | None = None, insecure: bool = False
) -> Client:
    """A client of the server at "HOST:PORT". Connects at the first call.

    Raises InputError for an invalid address, and for a token that would travel unencrypted.

    >>> ada = mien.load(SPHERE)
    >>> with mien.connect(SERVER) as client, client.session(ada.name) as session:
    ...     ada.record([(ASTRONAUT, 0.0)], FOLDER / "take.csv", performer=session).frames
    1
    """
    return Client(lambda: AsyncClient(address, token, tls, insecure))


async def _enter(opening: Any) -> Any:
    return await opening.__aenter__()


async def _leave(opening: Any) -> None:
    await opening.__aexit__(None, None, None)


async def _next(replies: Any) -> Any:
    return await anext(replies, None)


async def _close(replies: Any) -> None:
    await replies.aclose()
