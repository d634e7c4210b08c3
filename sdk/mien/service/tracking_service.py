"""TrackingService: encoded images in, tracked faces and rig frames out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Protocol

import grpc
import numpy as np
from numpy.typing import NDArray

from mien.budget import Budget
from mien.channels import SCORE_NAMES
from mien.errors import ChannelError, InputError
from mien.service import messages
from mien.service.character_registry import ServedCharacter
from mien.service.detail_maps import SessionMaps
from mien.service.face_ids import FaceIds
from mien.service.images import decoded_image
from mien.service.layouts import check_layout
from mien.service.limits import Limits
from mien.service.negotiation import (
    TokenClock,
    negotiate,
    rig_reply,
    token_bytes,
)
from mien.service.performers import Performers, StepResult
from mien.service.shared import Shared
from mien.service.stream_protocol import StreamProtocol, stream_handler
from mien.service.wire import ImageInput, Layout, Opened, TrackedFace, TrackOpen, TrackReply
from mien.session import Observation
from mien.tracker import FaceTrack
from mien.tracker.features import FEATURE_GROUPS, FeatureLayout, driver_features

__all__ = ["FaceSource", "TrackingService"]

_FADE_S = 2.0
"""How long a lost face is still answered: long enough to have faded."""
_NOTHING = np.zeros(0, np.float32)


class FaceSource(Protocol):
    """What is needed of `mien.tracker.Tracker`."""

    def track(self, image: NDArray[np.uint8], time_s: float | None = None) -> list[FaceTrack]:
        """The faces in the next image."""


@dataclass(eq=False)
class _Session:
    """One stream of images; see LiveSession."""

    opened: bytes
    opening: TrackOpen
    layout: FeatureLayout | None
    tracker: FaceSource
    workers: Executor
    limits: Limits
    performers: Performers | None
    tokens: TokenClock
    decoded_bytes: Budget
    face_ids: FaceIds
    maps: SessionMaps | None
    last_seen_s: dict[str, float] = field(default_factory=dict)
    """Performer -> capture time, of all that are animated."""

    async def answer(self, image: ImageInput, arrived_s: float, dropped: int, final: bool) -> bytes:
        loop = asyncio.get_running_loop()
        tracks, faces, size = await loop.run_in_executor(self.workers, self._look, image)
        stepped: dict[str, StepResult] = {}
        if self.performers is not None:
            seen = self._with_lost(tracks, image.capture_time_s)
            stepped = await self.performers.step(seen, image.capture_time_s)
            if self.maps is not None:
                stepped = await self.maps.added(stepped)
        rig = rig_reply(image.sequence, image.capture_time_s, stepped, arrived_s, dropped)
        rig = replace(rig, resume_token=self.tokens.token(self._token, final))
        return messages.track_response_to_bytes(TrackReply(faces, rig, size), self.opening.outputs)

    def close(self) -> None:
        if self.performers is not None:
            self.performers.close()

    def _token(self) -> bytes:
        return b"" if self.performers is None else self.performers.token(token_bytes(self.limits))

    def _with_lost(
        self, tracks: list[FaceTrack], time_s: float
    ) -> dict[str, FaceTrack | Observation]:
        """The faces, and those lost a moment ago: their expression is held, then fades."""
        seen: dict[str, FaceTrack | Observation] = {str(t.face_id): t for t in tracks}
        for name in sorted(set(self.last_seen_s) - set(seen), key=self.last_seen_s.__getitem__):
            gone = time_s - self.last_seen_s[name] > _FADE_S
            if gone or len(set(self.last_seen_s) | set(seen)) > self.opening.max_faces:
                del self.last_seen_s[name]
        lost = {name: Observation(None) for name in self.last_seen_s if name not in seen}
        self.last_seen_s |= dict.fromkeys(seen, time_s)
        return seen | lost

    def _look(
        self, message: ImageInput
    ) -> tuple[list[FaceTrack], list[TrackedFace], tuple[int, int]]:
        with decoded_image(message.data, self.limits.max_image_pixels, self.decoded_bytes) as image:
            found = self.tracker.track(image, message.capture_time_s)
            height, width = image.shape[:2]
        tracks = self.face_ids.rename(found)
        return tracks, [self._face(t) for t in tracks], (width, height)

    def _face(self, track: FaceTrack) -> TrackedFace:
        wanted = self.opening.track_outputs
        return TrackedFace(
            face_id=track.face_id,
            presence=track.presence,
            landmarks=track.landmarks if wanted.landmarks else _NOTHING,
            scores=track.scores if wanted.scores else _NOTHING,
            features=(
                driver_features(track, self.layout)
                if wanted.features and self.layout is not None
                else _NOTHING
            ),
            head_rotation_xyzw=track.head_rotation_xyzw,
            head_translation_m=track.head_translation_m,
            box=track.box,
        )


class TrackingService:
    """Tracks images."""

    def __init__(
        self, shared: Shared, workers: Executor, new_tracker: Callable[[int], FaceSource]
    ) -> None:
        """`new_tracker`: most faces to follow -> a tracker for one stream."""
        self._shared = shared
        self._workers = workers
        self._new_tracker = new_tracker
        self._protocol = StreamProtocol(
            service="mien.v1.TrackingService",
            method="Track",
            parse=messages.track_request_from_bytes,
            opening=TrackOpen,
            frame=ImageInput,
            max_bytes=shared.limits.max_image_bytes,
            open_session=self._open,
        )

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server takes."""
        return stream_handler(self._protocol, self._shared.limiter, self._shared.limits)

    async def _open(self, opening: TrackOpen, session_id: str) -> _Session:
        shared, limits = self._shared, self._shared.limits
        if not 1 <= opening.max_faces <= limits.max_faces:
            raise InputError(f"max_faces is {opening.max_faces}, expected 1 to {limits.max_faces}")
        if opening.neutral_relative:
            raise InputError("calibration.neutral_relative: the server's own features are raw")
        served = shared.registry[opening.character] if opening.character else None
        layout = _layout(opening, served)
        settings = negotiate(
            opening,
            limits,
            None if served is None else served.character.manifest,
            shared.calibration_frames,
            limits.max_image_bytes,
            opening.max_faces,
        )
        maps = await shared.maps(served, settings)
        performers = None
        if served is not None:
            performers = shared.performers(served, opening, settings)
        try:
            last_seen_s = _resumed(performers, opening.resume_token, limits)
            loop = asyncio.get_running_loop()
            # Loads networks: not on the event loop.
            tracker = await loop.run_in_executor(
                self._workers, self._new_tracker, opening.max_faces
            )
        except BaseException:
            if performers is not None:
                performers.close()
            raise
        wire_layout = Layout() if layout is None else Layout(layout.names_and_sizes)
        opened = Opened(
            session_id=session_id,
            character=opening.character,
            package_sha256="" if served is None else served.sha256,
            channel_names=() if served is None else tuple(served.character.manifest.channels),
            detail_names=() if served is None else served.character.detail_names,
            layout=replace(wire_layout, sha256=wire_layout.hash) if layout else wire_layout,
            settings=settings,
            resumed=bool(opening.resume_token),
            score_names=SCORE_NAMES if opening.track_outputs.scores else (),
        )
        return _Session(
            opened=messages.track_response_to_bytes(opened),
            opening=opening,
            layout=layout,
            tracker=tracker,
            workers=self._workers,
            limits=limits,
            performers=performers,
            tokens=TokenClock(opening.outputs.resume_token_interval_s),
            decoded_bytes=shared.limiter.budgets.decoded_bytes,
            face_ids=_face_ids(performers),
            maps=maps,
            last_seen_s=last_seen_s,
        )


def _resumed(performers: Performers | None, token: bytes, limits: Limits) -> dict[str, float]:
    """Take the token over; performer -> when it was last seen, of those who were."""
    if not token:
        return {}
    if performers is None:
        raise InputError("resume_token: holds a character's state: name the character")
    performers.restore(token, limits.max_calibration_frames)
    for name in performers.sessions:
        if not (name.isdecimal() and name.isascii() and int(name) < 2**32):
            raise InputError(f"resume_token: performer {name!r} is not a face of TrackingService")
    states = {name: session.state for name, session in performers.sessions.items()}
    return {name: state.seen_s for name, state in states.items() if state.seen_s is not None}


def _face_ids(performers: Performers | None) -> FaceIds:
    if performers is None:
        return FaceIds()
    sessions = performers.sessions.items()
    return FaceIds({int(name): session.state.head_translation_m for name, session in sessions})


def _layout(opening: TrackOpen, served: ServedCharacter | None) -> FeatureLayout | None:
    """The feature layout of a session, None where no features are asked for."""
    if served is not None:
        if opening.layout.groups or opening.layout.sha256:
            check_layout(opening.layout, served)
        return served.character.layout
    if not opening.layout.groups:
        if opening.track_outputs.features:
            raise InputError(
                "track_outputs.features is set: name the feature groups, or a character; there "
                f"are {', '.join(FEATURE_GROUPS)}"
            )
        return None
    try:
        layout = FeatureLayout(tuple(name for name, _ in opening.layout.groups))
    except ChannelError as error:
        raise InputError(f"features: {error}") from None
    if layout.names_and_sizes != opening.layout.groups:
        raise InputError(f"features: sizes of {opening.layout}; they are {FEATURE_GROUPS}")
    return layout
