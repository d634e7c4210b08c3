from mien.service.v1 import features_pb2 as _features_pb2
from mien.service.v1 import geometry_pb2 as _geometry_pb2
from mien.service.v1 import rig_frame_pb2 as _rig_frame_pb2
from mien.service.v1 import session_pb2 as _session_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrackRequest(_message.Message):
    __slots__ = ("open", "image")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    open: TrackOpen
    image: EncodedImage
    def __init__(self, open: _Optional[_Union[TrackOpen, _Mapping]] = ..., image: _Optional[_Union[EncodedImage, _Mapping]] = ...) -> None: ...

class TrackResponse(_message.Message):
    __slots__ = ("opened", "tracked_frame")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    TRACKED_FRAME_FIELD_NUMBER: _ClassVar[int]
    opened: _session_pb2.Opened
    tracked_frame: TrackedFrame
    def __init__(self, opened: _Optional[_Union[_session_pb2.Opened, _Mapping]] = ..., tracked_frame: _Optional[_Union[TrackedFrame, _Mapping]] = ...) -> None: ...

class TrackOpen(_message.Message):
    __slots__ = ("max_faces", "track_outputs", "character", "rate_hz", "outputs", "smoothing", "calibration", "features", "resume_token", "lost_face")
    MAX_FACES_FIELD_NUMBER: _ClassVar[int]
    TRACK_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOST_FACE_FIELD_NUMBER: _ClassVar[int]
    max_faces: int
    track_outputs: TrackOutputs
    character: str
    rate_hz: float
    outputs: _session_pb2.Outputs
    smoothing: _session_pb2.Smoothing
    calibration: _session_pb2.Calibration
    features: _features_pb2.FeatureLayout
    resume_token: bytes
    lost_face: _session_pb2.LostFace
    def __init__(self, max_faces: _Optional[int] = ..., track_outputs: _Optional[_Union[TrackOutputs, _Mapping]] = ..., character: _Optional[str] = ..., rate_hz: _Optional[float] = ..., outputs: _Optional[_Union[_session_pb2.Outputs, _Mapping]] = ..., smoothing: _Optional[_Union[_session_pb2.Smoothing, _Mapping]] = ..., calibration: _Optional[_Union[_session_pb2.Calibration, _Mapping]] = ..., features: _Optional[_Union[_features_pb2.FeatureLayout, _Mapping]] = ..., resume_token: _Optional[bytes] = ..., lost_face: _Optional[_Union[_session_pb2.LostFace, _Mapping]] = ...) -> None: ...

class TrackOutputs(_message.Message):
    __slots__ = ("landmarks", "scores", "features")
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    landmarks: bool
    scores: bool
    features: bool
    def __init__(self, landmarks: bool = ..., scores: bool = ..., features: bool = ...) -> None: ...

class EncodedImage(_message.Message):
    __slots__ = ("sequence", "capture_time_s", "data")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_S_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    capture_time_s: float
    data: bytes
    def __init__(self, sequence: _Optional[int] = ..., capture_time_s: _Optional[float] = ..., data: _Optional[bytes] = ...) -> None: ...

class TrackedFace(_message.Message):
    __slots__ = ("face_id", "presence", "landmarks_px", "scores", "features", "pose", "box_px")
    FACE_ID_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_PX_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    BOX_PX_FIELD_NUMBER: _ClassVar[int]
    face_id: int
    presence: float
    landmarks_px: _containers.RepeatedScalarFieldContainer[float]
    scores: _containers.RepeatedScalarFieldContainer[float]
    features: _containers.RepeatedScalarFieldContainer[float]
    pose: _geometry_pb2.HeadPose
    box_px: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, face_id: _Optional[int] = ..., presence: _Optional[float] = ..., landmarks_px: _Optional[_Iterable[float]] = ..., scores: _Optional[_Iterable[float]] = ..., features: _Optional[_Iterable[float]] = ..., pose: _Optional[_Union[_geometry_pb2.HeadPose, _Mapping]] = ..., box_px: _Optional[_Iterable[float]] = ...) -> None: ...

class TrackedFrame(_message.Message):
    __slots__ = ("faces", "rig_frame", "width_px", "height_px")
    FACES_FIELD_NUMBER: _ClassVar[int]
    RIG_FRAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    faces: _containers.RepeatedCompositeFieldContainer[TrackedFace]
    rig_frame: _rig_frame_pb2.RigFrame
    width_px: int
    height_px: int
    def __init__(self, faces: _Optional[_Iterable[_Union[TrackedFace, _Mapping]]] = ..., rig_frame: _Optional[_Union[_rig_frame_pb2.RigFrame, _Mapping]] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ...) -> None: ...
