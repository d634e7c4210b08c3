from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Quaternion(_message.Message):
    __slots__ = ("x", "y", "z", "w")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    Z_FIELD_NUMBER: _ClassVar[int]
    W_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    z: float
    w: float
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., z: _Optional[float] = ..., w: _Optional[float] = ...) -> None: ...

class Vector3(_message.Message):
    __slots__ = ("x_m", "y_m", "z_m")
    X_M_FIELD_NUMBER: _ClassVar[int]
    Y_M_FIELD_NUMBER: _ClassVar[int]
    Z_M_FIELD_NUMBER: _ClassVar[int]
    x_m: float
    y_m: float
    z_m: float
    def __init__(self, x_m: _Optional[float] = ..., y_m: _Optional[float] = ..., z_m: _Optional[float] = ...) -> None: ...

class HeadPose(_message.Message):
    __slots__ = ("head_rotation", "head_translation", "left_eye_rotation", "right_eye_rotation")
    HEAD_ROTATION_FIELD_NUMBER: _ClassVar[int]
    HEAD_TRANSLATION_FIELD_NUMBER: _ClassVar[int]
    LEFT_EYE_ROTATION_FIELD_NUMBER: _ClassVar[int]
    RIGHT_EYE_ROTATION_FIELD_NUMBER: _ClassVar[int]
    head_rotation: Quaternion
    head_translation: Vector3
    left_eye_rotation: Quaternion
    right_eye_rotation: Quaternion
    def __init__(self, head_rotation: _Optional[_Union[Quaternion, _Mapping]] = ..., head_translation: _Optional[_Union[Vector3, _Mapping]] = ..., left_eye_rotation: _Optional[_Union[Quaternion, _Mapping]] = ..., right_eye_rotation: _Optional[_Union[Quaternion, _Mapping]] = ...) -> None: ...
