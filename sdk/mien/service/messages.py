"""Proto <-> dataclass, both ways, nothing else.

Reading (`..._from_bytes`) checks what the wire leaves open: that a message is there, ids are
unique, numbers are finite. Writing (`..._to_bytes`) goes through mien.service.packed_encoder.
"""

from __future__ import annotations

from typing import Any

from mien.errors import InputError
from mien.service import wire
from mien.service.message_parts import (
    checked_id,
    fill_calibration,
    fill_opened,
    fill_quaternion,
    fill_reply,
    fill_session_fields,
    fill_vector,
    finite,
    floats,
    neutrals_from,
    opened_from,
    parse,
    quaternion_from,
    reply_from,
    session_fields_from,
    unique,
    vector_from,
)
from mien.service.packed_encoder import packed, packed_encoder
from mien.service.statuses import OrderError
from mien.service.v1 import animation_service_pb2 as animation
from mien.service.v1 import features_pb2
from mien.service.v1 import tracking_service_pb2 as tracking
from mien.session import Observation

__all__ = [
    "animate_request_from_bytes",
    "animate_request_to_bytes",
    "animate_response_from_bytes",
    "animate_response_to_bytes",
    "track_request_from_bytes",
    "track_request_to_bytes",
    "track_response_from_bytes",
    "track_response_to_bytes",
]

_AnimateRequest = packed_encoder(animation.AnimateRequest)
_AnimateResponse = packed_encoder(animation.AnimateResponse)
_TrackRequest = packed_encoder(tracking.TrackRequest)
_TrackResponse = packed_encoder(tracking.TrackResponse)


# AnimationService.


def _performer_from(message: features_pb2.PerformerFeatures) -> wire.PerformerInput:
    rotation = message.HasField("head_rotation")
    translation = message.HasField("head_translation")
    return wire.PerformerInput(
        checked_id(message.id),
        Observation(
            features=floats(message.features) if message.features else None,
            presence=message.presence if message.HasField("presence") else 1.0,
            head_rotation_xyzw=quaternion_from(message.head_rotation) if rotation else None,
            head_translation_m=vector_from(message.head_translation) if translation else None,
        ),
    )


def _fill_performer(message: Any, performer: wire.PerformerInput) -> None:
    seen = performer.seen
    message.id, message.presence = performer.id, seen.presence
    if seen.features is not None:
        message.features = packed(seen.features)
    if seen.head_rotation_xyzw is not None:
        fill_quaternion(message.head_rotation, seen.head_rotation_xyzw)
    if seen.head_translation_m is not None:
        fill_vector(message.head_translation, seen.head_translation_m)


AnimateRequest = wire.AnimateOpen | wire.FrameInput | wire.CalibrateInput
AnimateReply = wire.Opened | wire.RigReply | wire.CalibrateReply


def animate_request_from_bytes(data: bytes) -> AnimateRequest:
    """Raises InputError for bytes that are not an AnimateRequest, OrderError for an empty one."""
    message = parse(animation.AnimateRequest, data)
    kind = message.WhichOneof("message")
    if kind == "open":
        return wire.AnimateOpen(**session_fields_from(message.open))
    if kind == "calibrate":
        calibration, ids = message.calibrate.calibration, message.calibrate.ids
        if calibration.neutral_relative:
            raise InputError("calibrate: neutral_relative is chosen when a session opens")
        neutrals = neutrals_from(calibration)
        unique((*neutrals, *ids), "calibrate")
        return wire.CalibrateInput(neutrals, tuple(map(checked_id, ids)), calibration.frames)
    if kind == "frame":
        frame = message.frame
        unique((p.id for p in frame.performers), f"frame {frame.sequence}")
        return wire.FrameInput(
            frame.sequence,
            finite(frame.capture_time_s, f"frame {frame.sequence}: capture_time_s"),
            tuple(_performer_from(p) for p in frame.performers),
        )
    raise OrderError("an AnimateRequest holds none of `open`, `frame` and `calibrate`")


def animate_request_to_bytes(request: AnimateRequest) -> bytes:
    message = _AnimateRequest()
    if isinstance(request, wire.AnimateOpen):
        fill_session_fields(message.open, request)
    elif isinstance(request, wire.CalibrateInput):
        message.calibrate.ids.extend(request.ids)
        fill_calibration(message.calibrate.calibration, request.neutrals, request.frames)
    else:
        message.frame.sequence = request.sequence
        message.frame.capture_time_s = request.capture_time_s
        for performer in request.performers:
            _fill_performer(message.frame.performers.add(), performer)
    return bytes(message.SerializeToString())


def animate_response_from_bytes(data: bytes, channel_names: tuple[str, ...] = ()) -> AnimateReply:
    """`channel_names` are those of the session's Opened."""
    message = parse(animation.AnimateResponse, data)
    if message.WhichOneof("message") == "opened":
        return opened_from(message.opened)
    if message.WhichOneof("message") == "calibrated":
        return wire.CalibrateReply(message.calibrated.calibration_frames)
    return reply_from(message.rig_frame, channel_names)


def animate_response_to_bytes(reply: AnimateReply, outputs: wire.Outputs | None = None) -> bytes:
    """`outputs` chooses what a RigReply carries; everything if None."""
    message = _AnimateResponse()
    if isinstance(reply, wire.Opened):
        fill_opened(message.opened, reply)
    elif isinstance(reply, wire.CalibrateReply):
        message.calibrated.calibration_frames = reply.frames
        message.calibrated.SetInParent()
    else:
        fill_reply(message.rig_frame, reply, outputs or wire.Outputs())
    return bytes(message.SerializeToString())


# TrackingService.


def track_request_from_bytes(data: bytes) -> wire.TrackOpen | wire.ImageInput:
    """Raises InputError for bytes that are not a TrackRequest, OrderError for an empty one."""
    message = parse(tracking.TrackRequest, data)
    kind = message.WhichOneof("message")
    if kind == "open":
        wanted = message.open.track_outputs
        return wire.TrackOpen(
            max_faces=message.open.max_faces or 1,
            track_outputs=wire.TrackOutputs(wanted.landmarks, wanted.scores, wanted.features),
            **session_fields_from(message.open),
        )
    if kind == "image":
        image = message.image
        time_s = finite(image.capture_time_s, f"image {image.sequence}: capture_time_s")
        return wire.ImageInput(image.sequence, time_s, image.data)
    raise OrderError("a TrackRequest holds neither `open` nor `image`")


def track_request_to_bytes(request: wire.TrackOpen | wire.ImageInput) -> bytes:
    message = _TrackRequest()
    if isinstance(request, wire.TrackOpen):
        fill_session_fields(message.open, request)
        message.open.max_faces = request.max_faces
        wanted = message.open.track_outputs
        wanted.landmarks = request.track_outputs.landmarks
        wanted.scores = request.track_outputs.scores
        wanted.features = request.track_outputs.features
    else:
        message.image.sequence = request.sequence
        message.image.capture_time_s = request.capture_time_s
        message.image.data = request.data
    return bytes(message.SerializeToString())


def _face_from(message: tracking.TrackedFace) -> wire.TrackedFace:
    return wire.TrackedFace(
        face_id=message.face_id,
        presence=message.presence,
        landmarks=floats(message.landmarks_px).reshape(-1, 3),
        scores=floats(message.scores),
        features=floats(message.features),
        head_rotation_xyzw=quaternion_from(message.pose.head_rotation),
        head_translation_m=vector_from(message.pose.head_translation),
        box=floats(message.box_px),
    )


def _fill_face(message: Any, face: wire.TrackedFace) -> None:
    message.face_id, message.presence = face.face_id, float(face.presence)
    message.landmarks_px, message.scores = packed(face.landmarks), packed(face.scores)
    message.features, message.box_px = packed(face.features), packed(face.box)
    fill_quaternion(message.pose.head_rotation, face.head_rotation_xyzw)
    fill_vector(message.pose.head_translation, face.head_translation_m)


def track_response_from_bytes(
    data: bytes, channel_names: tuple[str, ...] = ()
) -> wire.Opened | wire.TrackReply:
    """`channel_names` are those of the session's Opened."""
    message = parse(tracking.TrackResponse, data)
    if message.WhichOneof("message") == "opened":
        return opened_from(message.opened)
    frame = message.tracked_frame
    return wire.TrackReply(
        faces=tuple(_face_from(face) for face in frame.faces),
        rig=reply_from(frame.rig_frame, channel_names),
        image_size=(frame.width_px, frame.height_px),
    )


def track_response_to_bytes(
    reply: wire.Opened | wire.TrackReply, outputs: wire.Outputs | None = None
) -> bytes:
    """`outputs` chooses what the rig frame carries; everything if None."""
    message = _TrackResponse()
    if isinstance(reply, wire.Opened):
        fill_opened(message.opened, reply)
    else:
        frame = message.tracked_frame
        for face in reply.faces:
            _fill_face(frame.faces.add(), face)
        fill_reply(frame.rig_frame, reply.rig, outputs or wire.Outputs())
        frame.width_px, frame.height_px = reply.image_size
    return bytes(message.SerializeToString())
