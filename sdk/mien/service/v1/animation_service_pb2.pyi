from mien.service.v1 import features_pb2 as _features_pb2
from mien.service.v1 import rig_frame_pb2 as _rig_frame_pb2
from mien.service.v1 import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnimateRequest(_message.Message):
    __slots__ = ("open", "frame", "calibrate")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    CALIBRATE_FIELD_NUMBER: _ClassVar[int]
    open: Open
    frame: Frame
    calibrate: Calibrate
    def __init__(self, open: _Optional[_Union[Open, _Mapping]] = ..., frame: _Optional[_Union[Frame, _Mapping]] = ..., calibrate: _Optional[_Union[Calibrate, _Mapping]] = ...) -> None: ...

class AnimateResponse(_message.Message):
    __slots__ = ("opened", "rig_frame", "calibrated")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    RIG_FRAME_FIELD_NUMBER: _ClassVar[int]
    CALIBRATED_FIELD_NUMBER: _ClassVar[int]
    opened: _session_pb2.Opened
    rig_frame: _rig_frame_pb2.RigFrame
    calibrated: Calibrated
    def __init__(self, opened: _Optional[_Union[_session_pb2.Opened, _Mapping]] = ..., rig_frame: _Optional[_Union[_rig_frame_pb2.RigFrame, _Mapping]] = ..., calibrated: _Optional[_Union[Calibrated, _Mapping]] = ...) -> None: ...

class Open(_message.Message):
    __slots__ = ("character", "features", "rate_hz", "outputs", "smoothing", "calibration", "resume_token", "lost_face")
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOST_FACE_FIELD_NUMBER: _ClassVar[int]
    character: str
    features: _features_pb2.FeatureLayout
    rate_hz: float
    outputs: _session_pb2.Outputs
    smoothing: _session_pb2.Smoothing
    calibration: _session_pb2.Calibration
    resume_token: bytes
    lost_face: _session_pb2.LostFace
    def __init__(self, character: _Optional[str] = ..., features: _Optional[_Union[_features_pb2.FeatureLayout, _Mapping]] = ..., rate_hz: _Optional[float] = ..., outputs: _Optional[_Union[_session_pb2.Outputs, _Mapping]] = ..., smoothing: _Optional[_Union[_session_pb2.Smoothing, _Mapping]] = ..., calibration: _Optional[_Union[_session_pb2.Calibration, _Mapping]] = ..., resume_token: _Optional[bytes] = ..., lost_face: _Optional[_Union[_session_pb2.LostFace, _Mapping]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("sequence", "capture_time_s", "performers")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_S_FIELD_NUMBER: _ClassVar[int]
    PERFORMERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    capture_time_s: float
    performers: _containers.RepeatedCompositeFieldContainer[_features_pb2.PerformerFeatures]
    def __init__(self, sequence: _Optional[int] = ..., capture_time_s: _Optional[float] = ..., performers: _Optional[_Iterable[_Union[_features_pb2.PerformerFeatures, _Mapping]]] = ...) -> None: ...

class Calibrate(_message.Message):
    __slots__ = ("ids", "calibration")
    IDS_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    calibration: _session_pb2.Calibration
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., calibration: _Optional[_Union[_session_pb2.Calibration, _Mapping]] = ...) -> None: ...

class Calibrated(_message.Message):
    __slots__ = ("calibration_frames",)
    CALIBRATION_FRAMES_FIELD_NUMBER: _ClassVar[int]
    calibration_frames: int
    def __init__(self, calibration_frames: _Optional[int] = ...) -> None: ...
