"""The parts of messages that hold maps of the skin: proto <-> dataclass, both ways."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.blended_map import BlendedMap
from mien.errors import InputError
from mien.service import wire
from mien.service.v1 import rig_frame_pb2, session_pb2

__all__ = ["fill_map", "fill_map_outputs", "map_from", "map_outputs_from"]


def map_outputs_from(message: session_pb2.DetailMapOutputs) -> wire.DetailMapOutputs:
    return wire.DetailMapOutputs(
        message.side, message.displacement, message.normal, message.every or 1
    )


def fill_map_outputs(message: Any, wanted: wire.DetailMapOutputs) -> None:
    message.side, message.every = wanted.side, wanted.every
    message.displacement, message.normal = wanted.displacement, wanted.normal
    message.SetInParent()


def map_from(message: rig_frame_pb2.DetailMap) -> BlendedMap:
    """Raises InputError for codes that are not as many as the side has texels, and for a range
    that is not finite."""
    side = message.side
    numbers = message.low_m, message.high_m
    if not side or not all(map(math.isfinite, numbers)):
        raise InputError(
            f"answer with a map of side {side}, {numbers[0]:g} to {numbers[1]:g} m, expected a "
            "side above 0 and finite numbers"
        )
    displacement = _codes(message.displacement, "<u2", (side, side), "displacement")
    normal = _codes(message.normal, "u1", (side, side, 3), "normal")
    return BlendedMap(
        side,
        None if displacement is None else displacement.astype(np.uint16),
        *numbers,
        None if normal is None else normal.astype(np.uint8),
    )


def _codes(data: bytes, dtype: str, shape: tuple[int, ...], what: str) -> NDArray[Any] | None:
    if not data:
        return None
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(data) != expected:
        raise InputError(
            f"answer with {len(data)} bytes of {what} map, expected {expected} for a side of "
            f"{shape[0]}"
        )
    return np.frombuffer(data, dtype).reshape(shape)


def fill_map(message: Any, blended: BlendedMap) -> None:
    message.side = blended.side
    message.low_m, message.high_m = blended.low_m, blended.high_m
    if blended.displacement_codes is not None:
        message.displacement = blended.displacement_codes.astype("<u2").tobytes()
    if blended.normal_codes is not None:
        message.normal = blended.normal_codes.tobytes()
