from mien.service.v1 import features_pb2 as _features_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Outputs(_message.Message):
    __slots__ = ("pose", "detail", "vertices", "resume_token_interval_s", "detail_map")
    POSE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    VERTICES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    DETAIL_MAP_FIELD_NUMBER: _ClassVar[int]
    pose: bool
    detail: bool
    vertices: bool
    resume_token_interval_s: float
    detail_map: DetailMapOutputs
    def __init__(self, pose: bool = ..., detail: bool = ..., vertices: bool = ..., resume_token_interval_s: _Optional[float] = ..., detail_map: _Optional[_Union[DetailMapOutputs, _Mapping]] = ...) -> None: ...

class DetailMapOutputs(_message.Message):
    __slots__ = ("side", "displacement", "normal", "every")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    DISPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    NORMAL_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    side: int
    displacement: bool
    normal: bool
    every: int
    def __init__(self, side: _Optional[int] = ..., displacement: bool = ..., normal: bool = ..., every: _Optional[int] = ...) -> None: ...

class Smoothing(_message.Message):
    __slots__ = ("min_cutoff_hz", "beta", "derivative_cutoff_hz", "blink_guard")
    MIN_CUTOFF_HZ_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    DERIVATIVE_CUTOFF_HZ_FIELD_NUMBER: _ClassVar[int]
    BLINK_GUARD_FIELD_NUMBER: _ClassVar[int]
    min_cutoff_hz: float
    beta: float
    derivative_cutoff_hz: float
    blink_guard: bool
    def __init__(self, min_cutoff_hz: _Optional[float] = ..., beta: _Optional[float] = ..., derivative_cutoff_hz: _Optional[float] = ..., blink_guard: bool = ...) -> None: ...

class LostFace(_message.Message):
    __slots__ = ("min_presence", "hold_s", "decay_s", "forget_s")
    MIN_PRESENCE_FIELD_NUMBER: _ClassVar[int]
    HOLD_S_FIELD_NUMBER: _ClassVar[int]
    DECAY_S_FIELD_NUMBER: _ClassVar[int]
    FORGET_S_FIELD_NUMBER: _ClassVar[int]
    min_presence: float
    hold_s: float
    decay_s: float
    forget_s: float
    def __init__(self, min_presence: _Optional[float] = ..., hold_s: _Optional[float] = ..., decay_s: _Optional[float] = ..., forget_s: _Optional[float] = ...) -> None: ...

class Calibration(_message.Message):
    __slots__ = ("neutrals", "frames", "neutral_relative")
    NEUTRALS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    NEUTRAL_RELATIVE_FIELD_NUMBER: _ClassVar[int]
    neutrals: _containers.RepeatedCompositeFieldContainer[_features_pb2.PerformerNeutral]
    frames: int
    neutral_relative: bool
    def __init__(self, neutrals: _Optional[_Iterable[_Union[_features_pb2.PerformerNeutral, _Mapping]]] = ..., frames: _Optional[int] = ..., neutral_relative: bool = ...) -> None: ...

class Settings(_message.Message):
    __slots__ = ("rate_hz", "outputs", "smoothing", "calibration_frames", "mailbox_frames", "idle_timeout_s", "max_message_bytes", "max_performers", "lost_face")
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FRAMES_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_FRAMES_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PERFORMERS_FIELD_NUMBER: _ClassVar[int]
    LOST_FACE_FIELD_NUMBER: _ClassVar[int]
    rate_hz: float
    outputs: Outputs
    smoothing: Smoothing
    calibration_frames: int
    mailbox_frames: int
    idle_timeout_s: float
    max_message_bytes: int
    max_performers: int
    lost_face: LostFace
    def __init__(self, rate_hz: _Optional[float] = ..., outputs: _Optional[_Union[Outputs, _Mapping]] = ..., smoothing: _Optional[_Union[Smoothing, _Mapping]] = ..., calibration_frames: _Optional[int] = ..., mailbox_frames: _Optional[int] = ..., idle_timeout_s: _Optional[float] = ..., max_message_bytes: _Optional[int] = ..., max_performers: _Optional[int] = ..., lost_face: _Optional[_Union[LostFace, _Mapping]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("session_id", "character", "package_sha256", "channel_names", "detail_names", "features", "settings", "resumed", "score_names")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_SHA256_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_NAMES_FIELD_NUMBER: _ClassVar[int]
    DETAIL_NAMES_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    SCORE_NAMES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    character: str
    package_sha256: str
    channel_names: _containers.RepeatedScalarFieldContainer[str]
    detail_names: _containers.RepeatedScalarFieldContainer[str]
    features: _features_pb2.FeatureLayout
    settings: Settings
    resumed: bool
    score_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., character: _Optional[str] = ..., package_sha256: _Optional[str] = ..., channel_names: _Optional[_Iterable[str]] = ..., detail_names: _Optional[_Iterable[str]] = ..., features: _Optional[_Union[_features_pb2.FeatureLayout, _Mapping]] = ..., settings: _Optional[_Union[Settings, _Mapping]] = ..., resumed: bool = ..., score_names: _Optional[_Iterable[str]] = ...) -> None: ...
