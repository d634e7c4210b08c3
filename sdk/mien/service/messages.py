"""Proto <-> dataclass, both ways, nothing else.

Reading (`..._from_bytes`) checks what the wire leaves open: that a message is there, ids are
unique, numbers are finite. Writing (`..._to_bytes`) goes through twins, see mien.service.twin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.frame import Frame
from mien.service import wire
from mien.service.statuses import OrderError
from mien.service.twin import packed, twin
from mien.service.v1 import animation_service_pb2 as animation
from mien.service.v1 import features_pb2, geometry_pb2, rig_frame_pb2, session_pb2
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

Float32Array = NDArray[np.float32]
AnyMessage = TypeVar("AnyMessage", bound=Message)

_AnimateRequest = twin(animation.AnimateRequest)
_AnimateResponse = twin(animation.AnimateResponse)
_TrackRequest = twin(tracking.TrackRequest)
_TrackResponse = twin(tracking.TrackResponse)
_MAX_ID_BYTES = 64


def _parse(kind: type[AnyMessage], data: bytes) -> AnyMessage:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise InputError(f"{len(data)} bytes that are no {kind.DESCRIPTOR.full_name}") from None


def _floats(values: Any) -> Float32Array:
    return np.array(values, np.float32)


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{what} is {value}, expected a finite number")
    return value


# Features and sessions.


def _layout_from(message: features_pb2.FeatureLayout) -> wire.Layout:
    return wire.Layout(tuple((g.name, g.size) for g in message.groups), message.sha256)


def _fill_layout(message: Any, layout: wire.Layout) -> None:
    for name, size in layout.groups:
        message.groups.add(name=name, size=size)
    message.sha256 = layout.sha256


def _outputs_from(message: session_pb2.Outputs) -> wire.Outputs:
    interval = _finite(message.resume_token_interval_s, "outputs.resume_token_interval_s")
    if interval < 0:
        raise InputError(f"outputs.resume_token_interval_s is {interval:g}, expected 0 or more")
    return wire.Outputs(message.pose, message.detail, message.vertices, interval)


def _fill_outputs(message: Any, outputs: wire.Outputs) -> None:
    message.pose, message.detail = outputs.pose, outputs.detail
    message.vertices = outputs.vertices
    message.resume_token_interval_s = outputs.resume_token_interval_s


def _smoothing_from(message: session_pb2.Smoothing) -> OneEuroConfig:
    return OneEuroConfig(
        message.min_cutoff_hz, message.beta, message.derivative_cutoff_hz, message.blink_guard
    )


def _fill_smoothing(message: Any, smoothing: OneEuroConfig) -> None:
    message.min_cutoff_hz, message.beta = smoothing.min_cutoff_hz, smoothing.beta
    message.derivative_cutoff_hz = smoothing.derivative_cutoff_hz
    message.blink_guard = smoothing.blink_guard


def _id(text: str) -> str:
    if len(text.encode()) > _MAX_ID_BYTES:
        raise InputError(f"performer id of {len(text.encode())} bytes, at most {_MAX_ID_BYTES}")
    return text


def _unique(ids: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise InputError(f"{what} holds performer {name!r} twice")
        seen.add(name)


def _session_fields_from(message: animation.Open | tracking.TrackOpen) -> dict[str, Any]:
    """What both opening messages share."""
    _unique((n.id for n in message.calibration.neutrals), "calibration.neutrals")
    return {
        "character": message.character,
        "layout": _layout_from(message.features),
        "rate_hz": _finite(message.rate_hz, "rate_hz"),
        "outputs": _outputs_from(message.outputs),
        "smoothing": (
            _smoothing_from(message.smoothing) if message.HasField("smoothing") else None
        ),
        "neutrals": {_id(n.id): _floats(n.features) for n in message.calibration.neutrals},
        "calibration_frames": message.calibration.frames,
        "subtracted": message.calibration.subtracted,
    }


def _fill_session_fields(message: Any, opening: wire.AnimateOpen | wire.TrackOpen) -> None:
    message.character, message.rate_hz = opening.character, opening.rate_hz
    _fill_layout(message.features, opening.layout)
    _fill_outputs(message.outputs, opening.outputs)
    if opening.smoothing is not None:
        _fill_smoothing(message.smoothing, opening.smoothing)
    message.calibration.frames = opening.calibration_frames
    message.calibration.subtracted = opening.subtracted
    for performer, features in opening.neutrals.items():
        message.calibration.neutrals.add(id=performer, features=packed(features))


def _opened_from(message: session_pb2.Opened) -> wire.Opened:
    s = message.settings
    return wire.Opened(
        session_id=message.session_id,
        character=message.character,
        package_sha256=message.package_sha256,
        channel_names=tuple(message.channel_names),
        detail_names=tuple(message.detail_names),
        layout=_layout_from(message.features),
        settings=wire.Settings(
            rate_hz=s.rate_hz,
            outputs=_outputs_from(s.outputs),
            smoothing=_smoothing_from(s.smoothing) if s.HasField("smoothing") else None,
            calibration_frames=s.calibration_frames,
            mailbox_frames=s.mailbox_frames,
            idle_timeout_s=s.idle_timeout_s,
            max_message_bytes=s.max_message_bytes,
            max_performers=s.max_performers,
        ),
        resumed=message.resumed,
        score_names=tuple(message.score_names),
    )


def _fill_opened(message: Any, opened: wire.Opened) -> None:
    message.session_id, message.character = opened.session_id, opened.character
    message.package_sha256 = opened.package_sha256
    message.channel_names.extend(opened.channel_names)
    message.detail_names.extend(opened.detail_names)
    message.score_names.extend(opened.score_names)
    message.resumed = opened.resumed
    _fill_layout(message.features, opened.layout)
    settings, target = opened.settings, message.settings
    target.rate_hz, target.calibration_frames = settings.rate_hz, settings.calibration_frames
    target.mailbox_frames, target.idle_timeout_s = settings.mailbox_frames, settings.idle_timeout_s
    target.max_message_bytes = settings.max_message_bytes
    target.max_performers = settings.max_performers
    _fill_outputs(target.outputs, settings.outputs)
    if settings.smoothing is not None:
        _fill_smoothing(target.smoothing, settings.smoothing)


# Poses and rig frames.


def _quaternion_from(message: geometry_pb2.Quaternion) -> Float32Array:
    return np.array([message.x, message.y, message.z, message.w], np.float32)


def _fill_quaternion(message: Any, q: Any) -> None:
    message.x, message.y, message.z, message.w = (float(v) for v in q)


def _vector_from(message: geometry_pb2.Vector3) -> Float32Array:
    return np.array([message.x_m, message.y_m, message.z_m], np.float32)


def _fill_vector(message: Any, v: Any) -> None:
    message.x_m, message.y_m, message.z_m = (float(x) for x in v)


_IDENTITY = geometry_pb2.HeadPose(
    head_rotation=geometry_pb2.Quaternion(w=1),
    left_eye_rotation=geometry_pb2.Quaternion(w=1),
    right_eye_rotation=geometry_pb2.Quaternion(w=1),
)


_NOWHERE = np.full(3, np.nan, np.float32)


def _frame_from(
    message: rig_frame_pb2.PerformerRig, time_s: float, names: tuple[str, ...]
) -> Frame:
    pose = message.pose if message.HasField("pose") else _IDENTITY
    channels = _floats(message.channels)
    if len(channels) != len(names):
        raise InputError(f"answer with {len(channels)} channels, {len(names)} were announced")
    return Frame(
        time_s=time_s,
        channel_names=names,
        channels=channels,
        head_rotation_xyzw=_quaternion_from(pose.head_rotation),
        head_translation_m=(
            _vector_from(pose.head_translation) if pose.HasField("head_translation") else _NOWHERE
        ),
        left_eye_xyzw=_quaternion_from(pose.left_eye_rotation),
        right_eye_xyzw=_quaternion_from(pose.right_eye_rotation),
        detail=_floats(message.detail),
        confidence=message.confidence,
    )


def _fill_frame(message: Any, name: str, frame: Frame, outputs: wire.Outputs) -> None:
    message.id = name
    message.channels = packed(frame.channels)
    message.confidence = float(frame.confidence)
    if outputs.pose:
        _fill_quaternion(message.pose.head_rotation, frame.head_rotation_xyzw)
        if np.isfinite(frame.head_translation_m).all():
            _fill_vector(message.pose.head_translation, frame.head_translation_m)
        _fill_quaternion(message.pose.left_eye_rotation, frame.left_eye_xyzw)
        _fill_quaternion(message.pose.right_eye_rotation, frame.right_eye_xyzw)
    if outputs.detail:
        message.detail = packed(frame.detail)


def _reply_from(message: rig_frame_pb2.RigFrame, names: tuple[str, ...]) -> wire.RigReply:
    return wire.RigReply(
        sequence=message.sequence,
        capture_time_s=message.capture_time_s,
        frames={p.id: _frame_from(p, message.capture_time_s, names) for p in message.performers},
        dropped=message.dropped,
        server_time_s=message.server_time_s,
        resume_token=message.resume_token,
        vertices={
            p.id: _floats(p.vertices_m).reshape(-1, 3) for p in message.performers if p.vertices_m
        },
    )


def _fill_reply(message: Any, reply: wire.RigReply, outputs: wire.Outputs) -> None:
    message.sequence, message.capture_time_s = reply.sequence, reply.capture_time_s
    message.dropped, message.server_time_s = reply.dropped, reply.server_time_s
    message.resume_token = reply.resume_token
    for name, frame in reply.frames.items():
        performer = message.performers.add()
        _fill_frame(performer, name, frame, outputs)
        if name in reply.vertices:
            performer.vertices_m = packed(reply.vertices[name])


# AnimationService.


def _performer_from(message: features_pb2.PerformerFeatures) -> wire.PerformerInput:
    rotation = message.HasField("head_rotation")
    translation = message.HasField("head_translation")
    return wire.PerformerInput(
        _id(message.id),
        Observation(
            features=_floats(message.features) if message.features else None,
            presence=message.presence if message.HasField("presence") else 1.0,
            head_rotation_xyzw=_quaternion_from(message.head_rotation) if rotation else None,
            head_translation_m=_vector_from(message.head_translation) if translation else None,
        ),
    )


def _fill_performer(message: Any, performer: wire.PerformerInput) -> None:
    seen = performer.seen
    message.id, message.presence = performer.id, seen.presence
    if seen.features is not None:
        message.features = packed(seen.features)
    if seen.head_rotation_xyzw is not None:
        _fill_quaternion(message.head_rotation, seen.head_rotation_xyzw)
    if seen.head_translation_m is not None and np.isfinite(seen.head_translation_m).all():
        _fill_vector(message.head_translation, seen.head_translation_m)


def animate_request_from_bytes(data: bytes) -> wire.AnimateOpen | wire.FrameInput:
    """Raises InputError for bytes that are no AnimateRequest, OrderError for an empty one."""
    message = _parse(animation.AnimateRequest, data)
    kind = message.WhichOneof("message")
    if kind == "open":
        opening = message.open
        return wire.AnimateOpen(**_session_fields_from(opening), resume_token=opening.resume_token)
    if kind == "frame":
        frame = message.frame
        _unique((p.id for p in frame.performers), f"frame {frame.sequence}")
        return wire.FrameInput(
            frame.sequence,
            _finite(frame.capture_time_s, f"frame {frame.sequence}: capture_time_s"),
            tuple(_performer_from(p) for p in frame.performers),
        )
    raise OrderError("an AnimateRequest holds neither `open` nor `frame`")


def animate_request_to_bytes(request: wire.AnimateOpen | wire.FrameInput) -> bytes:
    message = _AnimateRequest()
    if isinstance(request, wire.AnimateOpen):
        _fill_session_fields(message.open, request)
        message.open.resume_token = request.resume_token
    else:
        message.frame.sequence = request.sequence
        message.frame.capture_time_s = request.capture_time_s
        for performer in request.performers:
            _fill_performer(message.frame.performers.add(), performer)
    return bytes(message.SerializeToString())


def animate_response_from_bytes(
    data: bytes, channel_names: tuple[str, ...] = ()
) -> wire.Opened | wire.RigReply:
    """`channel_names` are those of the session's Opened."""
    message = _parse(animation.AnimateResponse, data)
    if message.WhichOneof("message") == "opened":
        return _opened_from(message.opened)
    return _reply_from(message.rig_frame, channel_names)


def animate_response_to_bytes(
    reply: wire.Opened | wire.RigReply, outputs: wire.Outputs | None = None
) -> bytes:
    """`outputs` chooses what a RigReply carries; everything if None."""
    message = _AnimateResponse()
    if isinstance(reply, wire.Opened):
        _fill_opened(message.opened, reply)
    else:
        _fill_reply(message.rig_frame, reply, outputs or wire.Outputs())
    return bytes(message.SerializeToString())


# TrackingService.


def track_request_from_bytes(data: bytes) -> wire.TrackOpen | wire.ImageInput:
    """Raises InputError for bytes that are no TrackRequest, OrderError for an empty one."""
    message = _parse(tracking.TrackRequest, data)
    kind = message.WhichOneof("message")
    if kind == "open":
        wanted = message.open.track_outputs
        return wire.TrackOpen(
            max_faces=message.open.max_faces or 1,
            track_outputs=wire.TrackOutputs(wanted.landmarks, wanted.scores, wanted.features),
            **_session_fields_from(message.open),
        )
    if kind == "image":
        image = message.image
        time_s = _finite(image.capture_time_s, f"image {image.sequence}: capture_time_s")
        return wire.ImageInput(image.sequence, time_s, image.data)
    raise OrderError("a TrackRequest holds neither `open` nor `image`")


def track_request_to_bytes(request: wire.TrackOpen | wire.ImageInput) -> bytes:
    message = _TrackRequest()
    if isinstance(request, wire.TrackOpen):
        _fill_session_fields(message.open, request)
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
        landmarks=_floats(message.landmarks_px).reshape(-1, 3),
        scores=_floats(message.scores),
        features=_floats(message.features),
        head_rotation_xyzw=_quaternion_from(message.pose.head_rotation),
        head_translation_m=_vector_from(message.pose.head_translation),
        box=_floats(message.box_px),
    )


def _fill_face(message: Any, face: wire.TrackedFace) -> None:
    message.face_id, message.presence = face.face_id, float(face.presence)
    message.landmarks_px, message.scores = packed(face.landmarks), packed(face.scores)
    message.features, message.box_px = packed(face.features), packed(face.box)
    _fill_quaternion(message.pose.head_rotation, face.head_rotation_xyzw)
    _fill_vector(message.pose.head_translation, face.head_translation_m)


def track_response_from_bytes(
    data: bytes, channel_names: tuple[str, ...] = ()
) -> wire.Opened | wire.TrackReply:
    """`channel_names` are those of the session's Opened."""
    message = _parse(tracking.TrackResponse, data)
    if message.WhichOneof("message") == "opened":
        return _opened_from(message.opened)
    frame = message.tracked_frame
    return wire.TrackReply(
        faces=tuple(_face_from(face) for face in frame.faces),
        rig=_reply_from(frame.rig_frame, channel_names),
        image_size=(frame.width_px, frame.height_px),
    )


def track_response_to_bytes(
    reply: wire.Opened | wire.TrackReply, outputs: wire.Outputs | None = None
) -> bytes:
    """`outputs` chooses what the rig frame carries; everything if None."""
    message = _TrackResponse()
    if isinstance(reply, wire.Opened):
        _fill_opened(message.opened, reply)
    else:
        frame = message.tracked_frame
        for face in reply.faces:
            _fill_face(frame.faces.add(), face)
        _fill_reply(frame.rig_frame, reply.rig, outputs or wire.Outputs())
        frame.width_px, frame.height_px = reply.image_size
    return bytes(message.SerializeToString())
