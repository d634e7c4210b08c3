"""AnimationService: features in, rig frames out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import grpc

from mien.service import messages
from mien.service.catalogue import Catalogue, Offer
from mien.service.granting import TokenClock, granted, rig_reply
from mien.service.layouts import check_features, check_layout, layout_of
from mien.service.live import Conversation, Floor, Limits, stream_handler
from mien.service.performers import Performers, StepBatcher
from mien.service.wire import (
    AnimateOpen,
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
    offer: Offer
    outputs: Outputs
    tokens: TokenClock

    async def answer(self, frame: FrameInput, arrived_s: float, dropped: int, final: bool) -> bytes:
        layout = layout_of(self.offer)
        # All of them before any of them: a bad performer must not leave the others half a frame on.
        for performer in frame.performers:
            if performer.seen.features is not None:
                check_features(performer.seen.features, layout, performer.id)
        stepped = await self.performers.step(
            {performer.id: performer.seen for performer in frame.performers},
            frame.capture_time_s,
        )
        reply = rig_reply(frame.sequence, frame.capture_time_s, stepped, arrived_s, dropped)
        if self.tokens.due(final):
            reply = replace(reply, resume_token=self.performers.token())
        return messages.animate_response_to_bytes(reply, self.outputs)


class AnimationService:
    """Animates the catalogue's characters."""

    def __init__(
        self,
        catalogue: Catalogue,
        batcher: StepBatcher,
        floor: Floor,
        limits: Limits,
        calibration_frames: int,
    ) -> None:
        self._catalogue = catalogue
        self._batcher = batcher
        self._floor = floor
        self._limits = limits
        self._calibration_frames = calibration_frames
        self._conversation = Conversation(
            service="mien.v1.AnimationService",
            method="Animate",
            parse=messages.animate_request_from_bytes,
            opening=AnimateOpen,
            max_bytes=limits.max_message_bytes,
            open_session=self._open,
        )

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server takes."""
        return stream_handler(self._conversation, self._floor, self._limits)

    async def _open(self, opening: AnimateOpen, session_id: str) -> _Session:
        offer = self._catalogue[opening.character]
        check_layout(opening.layout, offer)
        manifest = offer.character.manifest
        settings = granted(
            opening,
            self._limits,
            manifest.rate_hz,
            self._calibration_frames,
            self._limits.max_message_bytes,
            self._limits.max_performers,
        )
        performers = Performers(
            offer,
            self._batcher,
            self._limits.max_performers,
            smoothing=opening.smoothing,
            neutrals=opening.neutrals,
            calibration_frames=settings.calibration_frames,
            vertices=opening.outputs.vertices,
        )
        if opening.resume_token:
            performers.restore(opening.resume_token)
        opened = Opened(
            session_id=session_id,
            character=offer.character.name,
            package_sha256=offer.sha256,
            channel_names=tuple(manifest.channels),
            detail_names=(),
            layout=layout_of(offer),
            settings=settings,
            resumed=bool(opening.resume_token),
        )
        return _Session(
            opened=messages.animate_response_to_bytes(opened),
            performers=performers,
            offer=offer,
            outputs=opening.outputs,
            tokens=TokenClock(opening.outputs.resume_token_interval_s),
        )
