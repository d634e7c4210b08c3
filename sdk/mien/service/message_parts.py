"""The parts of messages that several services use: proto <-> dataclass, both ways.

Reading functions take public messages, filling functions fill mien.service.packed_encoder's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.frame import Frame
from mien.service import wire
from mien.service.map_parts import fill_map, fill_map_outputs, map_from, map_outputs_from
from mien.service.packed_encoder import packed
from mien.service.v1 import animation_service_pb2 as animation
from mien.service.v1 import features_pb2, geometry_pb2, rig_frame_pb2, session_pb2
from mien.service.v1 import tracking_service_pb2 as tracking

__all__ = [
    "checked_id",
    "fill_calibration",
    "fill_opened",
    "fill_quaternion",
    "fill_reply",
    "fill_session_fields",
    "fill_vector",
    "finite",
    "floats",
    "neutrals_from",
    "opened_from",
    "parse",
    "quaternion_from",
    "reply_from",
    "session_fields_from",
    "unique",
    "vector_from",
]

Float32Array = NDArray[np.float32]
AnyMessage = TypeVar("AnyMessage", bound=Message)

_MAX_ID_BYTES = 64


def parse(kind: type[AnyMessage], data: bytes) -> AnyMessage:
    try:
        return kind.FromString(data)
    except DecodeError:
        raise InputError(
            f"{len(data)} bytes that are not a valid {kind.DESCRIPTOR.full_name}"
        ) from None


def floats(values: Any) -> Float32Array:
    return np.array(values, np.float32)


def finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{what} is {value}, expected a finite number")
    return value


# Features and sessions.


def layout_from(message: features_pb2.FeatureLayout) -> wire.Layout:
    return wire.Layout(tuple((g.name, g.size) for g in message.groups), message.sha256)


def fill_layout(message: Any, layout: wire.Layout) -> None:
    for name, size in layout.groups:
        message.groups.add(name=name, size=size)
    message.sha256 = layout.sha256


def outputs_from(message: session_pb2.Outputs) -> wire.Outputs:
    interval = finite(message.resume_token_interval_s, "outputs.resume_token_interval_s")
    if interval < 0:
        raise InputError(f"outputs.resume_token_interval_s is {interval:g}, expected 0 or more")
    wanted = map_outputs_from(message.detail_map) if message.HasField("detail_map") else None
    return wire.Outputs(message.pose, message.detail, message.vertices, interval, wanted)


def fill_outputs(message: Any, outputs: wire.Outputs) -> None:
    message.pose, message.detail = outputs.pose, outputs.detail
    message.vertices = outputs.vertices
    message.resume_token_interval_s = outputs.resume_token_interval_s
    if outputs.detail_map is not None:
        fill_map_outputs(message.detail_map, outputs.detail_map)


def smoothing_from(message: session_pb2.Smoothing) -> OneEuroConfig:
    return OneEuroConfig(
        message.min_cutoff_hz, message.beta, message.derivative_cutoff_hz, message.blink_guard
    )


def fill_smoothing(message: Any, smoothing: OneEuroConfig) -> None:
    message.min_cutoff_hz, message.beta = smoothing.min_cutoff_hz, smoothing.beta
    message.derivative_cutoff_hz = smoothing.derivative_cutoff_hz
    message.blink_guard = smoothing.blink_guard


def lost_face_from(message: session_pb2.LostFace) -> wire.LostFace:
    return wire.LostFace(message.min_presence, message.hold_s, message.decay_s, message.forget_s)


def fill_lost_face(message: Any, lost_face: wire.LostFace) -> None:
    message.min_presence, message.hold_s = lost_face.min_presence, lost_face.hold_s
    message.decay_s, message.forget_s = lost_face.decay_s, lost_face.forget_s
    message.SetInParent()


def checked_id(text: str) -> str:
    if len(text.encode()) > _MAX_ID_BYTES:
        raise InputError(f"performer id of {len(text.encode())} bytes, at most {_MAX_ID_BYTES}")
    return text


def unique(ids: Iterable[str], what: str) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise InputError(f"{what} holds performer {name!r} twice")
        seen.add(name)


def session_fields_from(message: animation.Open | tracking.TrackOpen) -> dict[str, Any]:
    """What both opening messages share."""
    return {
        "character": message.character,
        "layout": layout_from(message.features),
        "rate_hz": finite(message.rate_hz, "rate_hz"),
        "outputs": outputs_from(message.outputs),
        "smoothing": (smoothing_from(message.smoothing) if message.HasField("smoothing") else None),
        "neutrals": neutrals_from(message.calibration),
        "calibration_frames": message.calibration.frames,
        "neutral_relative": message.calibration.neutral_relative,
        "lost_face": (lost_face_from(message.lost_face) if message.HasField("lost_face") else None),
        "resume_token": message.resume_token,
    }


def fill_session_fields(message: Any, opening: wire.AnimateOpen | wire.TrackOpen) -> None:
    message.character, message.rate_hz = opening.character, opening.rate_hz
    fill_layout(message.features, opening.layout)
    fill_outputs(message.outputs, opening.outputs)
    if opening.smoothing is not None:
        fill_smoothing(message.smoothing, opening.smoothing)
    if opening.lost_face is not None:
        fill_lost_face(message.lost_face, opening.lost_face)
    message.resume_token = opening.resume_token
    message.calibration.neutral_relative = opening.neutral_relative
    fill_calibration(message.calibration, opening.neutrals, opening.calibration_frames)


def neutrals_from(message: session_pb2.Calibration) -> dict[str, Float32Array]:
    unique((n.id for n in message.neutrals), "calibration.neutrals")
    return {checked_id(n.id): floats(n.features) for n in message.neutrals}


def fill_calibration(message: Any, neutrals: Mapping[str, Float32Array], frames: int) -> None:
    message.frames = frames
    for performer, features in neutrals.items():
        message.neutrals.add(id=performer, features=packed(features))


def opened_from(message: session_pb2.Opened) -> wire.Opened:
    s = message.settings
    return wire.Opened(
        session_id=message.session_id,
        character=message.character,
        package_sha256=message.package_sha256,
        channel_names=tuple(message.channel_names),
        detail_names=tuple(message.detail_names),
        layout=layout_from(message.features),
        settings=wire.Settings(
            rate_hz=s.rate_hz,
            outputs=outputs_from(s.outputs),
            smoothing=smoothing_from(s.smoothing) if s.HasField("smoothing") else None,
            calibration_frames=s.calibration_frames,
            mailbox_frames=s.mailbox_frames,
            idle_timeout_s=s.idle_timeout_s,
            max_message_bytes=s.max_message_bytes,
            max_performers=s.max_performers,
            lost_face=lost_face_from(s.lost_face) if s.HasField("lost_face") else wire.LostFace(),
        ),
        resumed=message.resumed,
        score_names=tuple(message.score_names),
    )


def fill_opened(message: Any, opened: wire.Opened) -> None:
    message.session_id, message.character = opened.session_id, opened.character
    message.package_sha256 = opened.package_sha256
    message.channel_names.extend(opened.channel_names)
    message.detail_names.extend(opened.detail_names)
    message.score_names.extend(opened.score_names)
    message.resumed = opened.resumed
    fill_layout(message.features, opened.layout)
    settings, target = opened.settings, message.settings
    target.rate_hz, target.calibration_frames = settings.rate_hz, settings.calibration_frames
    target.mailbox_frames, target.idle_timeout_s = settings.mailbox_frames, settings.idle_timeout_s
    target.max_message_bytes = settings.max_message_bytes
    target.max_performers = settings.max_performers
    fill_outputs(target.outputs, settings.outputs)
    fill_lost_face(target.lost_face, settings.lost_face)
    if settings.smoothing is not None:
        fill_smoothing(target.smoothing, settings.smoothing)


# Poses and rig frames.


def quaternion_from(message: geometry_pb2.Quaternion) -> Float32Array:
    return np.array([message.x, message.y, message.z, message.w], np.float32)


def fill_quaternion(message: Any, q: Any) -> None:
    message.x, message.y, message.z, message.w = (float(v) for v in q)


def vector_from(message: geometry_pb2.Vector3) -> Float32Array:
    return np.array([message.x_m, message.y_m, message.z_m], np.float32)


def fill_vector(message: Any, v: Any) -> None:
    message.x_m, message.y_m, message.z_m = (float(x) for x in v)


_IDENTITY = geometry_pb2.HeadPose(
    head_rotation=geometry_pb2.Quaternion(w=1),
    left_eye_rotation=geometry_pb2.Quaternion(w=1),
    right_eye_rotation=geometry_pb2.Quaternion(w=1),
)


def frame_from(message: rig_frame_pb2.PerformerRig, time_s: float, names: tuple[str, ...]) -> Frame:
    pose = message.pose if message.HasField("pose") else _IDENTITY
    channels = floats(message.channels)
    if len(channels) != len(names):
        raise InputError(f"answer with {len(channels)} channels, {len(names)} were announced")
    frame = Frame(
        time_s=time_s,
        channel_names=names,
        channels=channels,
        head_rotation_xyzw=quaternion_from(pose.head_rotation),
        head_translation_m=vector_from(pose.head_translation),
        left_eye_xyzw=quaternion_from(pose.left_eye_rotation),
        right_eye_xyzw=quaternion_from(pose.right_eye_rotation),
        detail=floats(message.detail),
        confidence=message.confidence,
        detail_map=map_from(message.detail_map) if message.HasField("detail_map") else None,
    )
    for name, values in vars(frame).items():
        if isinstance(values, np.ndarray) and not np.isfinite(values).all():
            raise InputError(f"answer with {name} {values}, expected finite numbers")
    return frame


def fill_frame(message: Any, name: str, frame: Frame, outputs: wire.Outputs) -> None:
    message.id = name
    message.channels = packed(frame.channels)
    message.confidence = float(frame.confidence)
    if outputs.pose:
        fill_quaternion(message.pose.head_rotation, frame.head_rotation_xyzw)
        fill_vector(message.pose.head_translation, frame.head_translation_m)
        fill_quaternion(message.pose.left_eye_rotation, frame.left_eye_xyzw)
        fill_quaternion(message.pose.right_eye_rotation, frame.right_eye_xyzw)
    if outputs.detail:
        message.detail = packed(frame.detail)
    if frame.detail_map is not None:
        fill_map(message.detail_map, frame.detail_map)


def reply_from(message: rig_frame_pb2.RigFrame, names: tuple[str, ...]) -> wire.RigReply:
    return wire.RigReply(
        sequence=message.sequence,
        capture_time_s=message.capture_time_s,
        frames={p.id: frame_from(p, message.capture_time_s, names) for p in message.performers},
        dropped=message.dropped,
        server_time_s=message.server_time_s,
        resume_token=message.resume_token,
        vertices={
            p.id: floats(p.vertices_m).reshape(-1, 3) for p in message.performers if p.vertices_m
        },
    )


def fill_reply(message: Any, reply: wire.RigReply, outputs: wire.Outputs) -> None:
    message.sequence, message.capture_time_s = reply.sequence, reply.capture_time_s
    message.dropped, message.server_time_s = reply.dropped, reply.server_time_s
    message.resume_token = reply.resume_token
    for name, frame in reply.frames.items():
        performer = message.performers.add()
        fill_frame(performer, name, frame, outputs)
        if name in reply.vertices:
            performer.vertices_m = packed(reply.vertices[name])
