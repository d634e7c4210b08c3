from mien.service.v1 import geometry_pb2 as _geometry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PerformerRig(_message.Message):
    __slots__ = ("id", "channels", "pose", "detail", "confidence", "vertices_m", "detail_map")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    POSE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    VERTICES_M_FIELD_NUMBER: _ClassVar[int]
    DETAIL_MAP_FIELD_NUMBER: _ClassVar[int]
    id: str
    channels: _containers.RepeatedScalarFieldContainer[float]
    pose: _geometry_pb2.HeadPose
    detail: _containers.RepeatedScalarFieldContainer[float]
    confidence: float
    vertices_m: _containers.RepeatedScalarFieldContainer[float]
    detail_map: DetailMap
    def __init__(self, id: _Optional[str] = ..., channels: _Optional[_Iterable[float]] = ..., pose: _Optional[_Union[_geometry_pb2.HeadPose, _Mapping]] = ..., detail: _Optional[_Iterable[float]] = ..., confidence: _Optional[float] = ..., vertices_m: _Optional[_Iterable[float]] = ..., detail_map: _Optional[_Union[DetailMap, _Mapping]] = ...) -> None: ...

class DetailMap(_message.Message):
    __slots__ = ("side", "displacement", "low_m", "high_m", "normal")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    DISPLACEMENT_FIELD_NUMBER: _ClassVar[int]
    LOW_M_FIELD_NUMBER: _ClassVar[int]
    HIGH_M_FIELD_NUMBER: _ClassVar[int]
    NORMAL_FIELD_NUMBER: _ClassVar[int]
    side: int
    displacement: bytes
    low_m: float
    high_m: float
    normal: bytes
    def __init__(self, side: _Optional[int] = ..., displacement: _Optional[bytes] = ..., low_m: _Optional[float] = ..., high_m: _Optional[float] = ..., normal: _Optional[bytes] = ...) -> None: ...

class RigFrame(_message.Message):
    __slots__ = ("sequence", "capture_time_s", "performers", "dropped", "server_time_s", "resume_token")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CAPTURE_TIME_S_FIELD_NUMBER: _ClassVar[int]
    PERFORMERS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_S_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    capture_time_s: float
    performers: _containers.RepeatedCompositeFieldContainer[PerformerRig]
    dropped: int
    server_time_s: float
    resume_token: bytes
    def __init__(self, sequence: _Optional[int] = ..., capture_time_s: _Optional[float] = ..., performers: _Optional[_Iterable[_Union[PerformerRig, _Mapping]]] = ..., dropped: _Optional[int] = ..., server_time_s: _Optional[float] = ..., resume_token: _Optional[bytes] = ...) -> None: ...
