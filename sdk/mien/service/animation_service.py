"""AnimationService: features in, rig frames out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import grpc

from mien.errors import MienError
from mien.service import messages
from mien.service.character_registry import ServedCharacter
from mien.service.detail_maps import SessionMaps
from mien.service.layouts import check_features, check_layout, layout_of
from mien.service.limits import Limits
from mien.service.negotiation import (
    TokenClock,
    calibration_frames,
    negotiate,
    rig_reply,
    token_bytes,
)
from mien.service.performers import Performers
from mien.service.shared import Shared
from mien.service.stream_protocol import StreamProtocol, stream_handler
from mien.service.wire import (
    AnimateOpen,
    CalibrateInput,
    CalibrateReply,
    FrameInput,
    Opened,
    Outputs,
)

__all__ = ["AnimationService"]


@dataclass(eq=False)
class _Session:
    """One stream of features; see LiveSession."""

    opened: bytes
    performers: Performers
    served: ServedCharacter
    outputs: Outputs
    tokens: TokenClock
    limits: Limits
    calibration_frames: int
    maps: SessionMaps | None

    async def answer(
        self, message: FrameInput | CalibrateInput, arrived_s: float, dropped: int, final: bool
    ) -> bytes:
        if isinstance(message, CalibrateInput):
            return self._calibrate(message)
        return await self._animate(message, arrived_s, dropped, final)

    def _calibrate(self, message: CalibrateInput) -> bytes:
        frames = calibration_frames(message.frames, self.calibration_frames, self.limits)
        self.performers.calibrate(message.neutrals, message.ids, frames)
        return messages.animate_response_to_bytes(CalibrateReply(frames))

    def close(self) -> None:
        self.performers.close()

    async def _animate(
        self, frame: FrameInput, arrived_s: float, dropped: int, final: bool
    ) -> bytes:
        layout = layout_of(self.served)
        # All of them before any of them: a bad performer must not leave the others half a frame on.
        for performer in frame.performers:
            if performer.seen.features is not None:
                check_features(performer.seen.features, layout, performer.id)
        stepped = await self.performers.step(
            {performer.id: performer.seen for performer in frame.performers},
            frame.capture_time_s,
        )
        if self.maps is not None:
            stepped = await self.maps.added(stepped)
        reply = rig_reply(frame.sequence, frame.capture_time_s, stepped, arrived_s, dropped)
        token = self.tokens.token(self._token, final)
        return messages.animate_response_to_bytes(replace(reply, resume_token=token), self.outputs)

    def _token(self) -> bytes:
        return self.performers.token(token_bytes(self.limits))


class AnimationService:
    """Animates the registry's characters."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._protocol = StreamProtocol(
            service="mien.v1.AnimationService",
            method="Animate",
            parse=messages.animate_request_from_bytes,
            opening=AnimateOpen,
            frame=FrameInput,
            max_bytes=shared.limits.max_message_bytes,
            open_session=self._open,
        )

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server takes."""
        return stream_handler(self._protocol, self._shared.limiter, self._shared.limits)

    async def _open(self, opening: AnimateOpen, session_id: str) -> _Session:
        shared, limits = self._shared, self._shared.limits
        served = shared.registry[opening.character]
        check_layout(opening.layout, served)
        manifest = served.character.manifest
        settings = negotiate(
            opening,
            limits,
            manifest,
            shared.calibration_frames,
            limits.max_message_bytes,
            limits.max_performers,
        )
        maps = await shared.maps(served, settings)
        performers = shared.performers(served, opening, settings)
        if opening.resume_token:
            try:
                performers.restore(opening.resume_token, limits.max_calibration_frames)
            except MienError:
                performers.close()
                raise
        opened = Opened(
            session_id=session_id,
            character=served.character.name,
            package_sha256=served.sha256,
            channel_names=tuple(manifest.channels),
            detail_names=served.character.detail_names,
            layout=layout_of(served),
            settings=settings,
            resumed=bool(opening.resume_token),
        )
        return _Session(
            opened=messages.animate_response_to_bytes(opened),
            performers=performers,
            served=served,
            outputs=opening.outputs,
            tokens=TokenClock(opening.outputs.resume_token_interval_s),
            limits=limits,
            calibration_frames=settings.calibration_frames,
            maps=maps,
        )
