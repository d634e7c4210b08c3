"""Packed encoders write the bytes of the public messages, which read every encoder."""

import struct

import numpy as np
import pytest
from google.protobuf import descriptor_pb2
from hypothesis import given
from hypothesis import strategies as st

from mien.blended_map import BlendedMap
from mien.service.map_parts import fill_map
from mien.service.packed_encoder import packed, packed_encoder
from mien.service.v1 import animation_service_pb2 as animation
from mien.service.v1 import features_pb2, rig_frame_pb2
from mien.service.v1 import tracking_service_pb2 as tracking

FLOATS = st.lists(st.floats(width=32, allow_nan=False), max_size=40)


@given(FLOATS, FLOATS, FLOATS, st.text(max_size=8), st.floats(0, 1, width=32), st.booleans())
def test_a_rig_frame_has_the_same_bytes(channels, detail, vertices, name, confidence, mapped):
    def fill(message, floats):
        message.sequence, message.capture_time_s = 7, 0.5
        for _ in range(2):
            performer = message.performers.add(id=name, confidence=confidence)
            performer.pose.head_rotation.w = 1.0
            for field, values in (
                ("channels", channels), ("detail", detail), ("vertices_m", vertices),
            ):  # fmt: skip
                floats(performer, field, values)
            if mapped:
                codes = np.arange(9, dtype=np.uint16).reshape(3, 3)
                fill_map(performer.detail_map, BlendedMap(3, codes, -1e-3, 1e-3))
        return message.SerializeToString()

    public = fill(
        rig_frame_pb2.RigFrame(), lambda m, field, values: getattr(m, field).extend(values)
    )
    fast = fill(
        packed_encoder(rig_frame_pb2.RigFrame)(),
        lambda m, field, values: setattr(m, field, packed(values)),
    )
    assert fast == public


@pytest.mark.parametrize(
    "message",
    [
        animation.AnimateRequest, animation.AnimateResponse, tracking.TrackRequest,
        tracking.TrackResponse, features_pb2.PerformerNeutral,
    ],
)  # fmt: skip
def test_packed_encoders_differ_in_float_arrays_alone(message):
    def fields(descriptor):
        proto = descriptor_pb2.DescriptorProto()
        descriptor.CopyToProto(proto)
        return proto.field

    def walk(public, other):
        assert [f.name for f in fields(public)] == [f.name for f in fields(other)]
        for a, b in zip(fields(public), fields(other), strict=True):
            assert a.number == b.number
            if a.type == a.TYPE_FLOAT and a.label == a.LABEL_REPEATED:
                assert b.type == b.TYPE_BYTES and b.label == b.LABEL_OPTIONAL
            else:
                assert (a.type, a.label) == (b.type, b.label)
        for a, b in zip(public.fields, other.fields, strict=True):
            if a.message_type is not None:
                walk(a.message_type, b.message_type)

    walk(message.DESCRIPTOR, packed_encoder(message).DESCRIPTOR)


def test_packed_is_row_major_little_endian_float32():
    values = np.arange(6, dtype=">f8").reshape(2, 3).T
    assert packed(values) == struct.pack("<6f", 0, 3, 1, 4, 2, 5)


def test_unpacked_floats_are_read():
    tag = bytes([2 << 3 | 5])  # field 2, four bytes: how an encoder that does not pack writes
    data = b"".join(tag + struct.pack("<f", value) for value in (1.5, -2.0))
    assert list(features_pb2.PerformerFeatures.FromString(data).features) == [1.5, -2.0]
