from mien.service.v1 import geometry_pb2 as _geometry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FeatureGroup(_message.Message):
    __slots__ = ("name", "size")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    name: str
    size: int
    def __init__(self, name: _Optional[str] = ..., size: _Optional[int] = ...) -> None: ...

class FeatureLayout(_message.Message):
    __slots__ = ("groups", "sha256")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[FeatureGroup]
    sha256: str
    def __init__(self, groups: _Optional[_Iterable[_Union[FeatureGroup, _Mapping]]] = ..., sha256: _Optional[str] = ...) -> None: ...

class PerformerFeatures(_message.Message):
    __slots__ = ("id", "features", "head_rotation", "head_translation", "presence")
    ID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    HEAD_ROTATION_FIELD_NUMBER: _ClassVar[int]
    HEAD_TRANSLATION_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    id: str
    features: _containers.RepeatedScalarFieldContainer[float]
    head_rotation: _geometry_pb2.Quaternion
    head_translation: _geometry_pb2.Vector3
    presence: float
    def __init__(self, id: _Optional[str] = ..., features: _Optional[_Iterable[float]] = ..., head_rotation: _Optional[_Union[_geometry_pb2.Quaternion, _Mapping]] = ..., head_translation: _Optional[_Union[_geometry_pb2.Vector3, _Mapping]] = ..., presence: _Optional[float] = ...) -> None: ...

class PerformerNeutral(_message.Message):
    __slots__ = ("id", "features")
    ID_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    id: str
    features: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, id: _Optional[str] = ..., features: _Optional[_Iterable[float]] = ...) -> None: ...
