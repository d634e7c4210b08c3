"""Dataclass -> bytes -> dataclass gives the same; invalid bytes give typed errors."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.blended_map import BlendedMap
from mien.errors import InputError
from mien.filters import OneEuroConfig
from mien.frame import Frame
from mien.service import messages, wire
from mien.service.statuses import OrderError
from mien.service.v1 import animation_service_pb2 as animation
from mien.session import Observation

SETTINGS = wire.Settings(
    30.0, wire.Outputs(vertices=True), OneEuroConfig(1.0, 2.0, 3.0, False), 15, 2, 60.0, 999, 16,
    wire.LostFace(0.25, 0.0, 1.5, 2.0),
)  # fmt: skip
LAYOUT = wire.Layout((("scores", 52), ("head_rotation", 3)), "ab" * 32)
NEUTRALS = {"": np.arange(55, dtype=np.float32), "b": np.ones(55, np.float32)}


def plain(value):
    """Dataclasses and arrays as values that compare with ==, NaN included."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return (value.dtype.name, value.shape, value.tobytes())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def make_map(seed, side=4, displacement=True, normal=True):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2**16, (side, side), np.uint16)
    normals = rng.integers(0, 2**8, (side, side, 3), np.uint8)
    return BlendedMap(
        side, codes if displacement else None, -1e-3, 2e-3, normals if normal else None
    )


def make_frame(seed, names=("jawOpen", "tongueOut"), nowhere=False, detail_map=None):
    rng = np.random.default_rng(seed)
    q = [rng.normal(size=4).astype(np.float32) for _ in range(3)]
    place = np.zeros(3, np.float32) if nowhere else rng.normal(size=3).astype(np.float32)
    return Frame(
        time_s=2.5, channel_names=names, channels=rng.random(len(names), np.float32),
        head_rotation_xyzw=q[0], head_translation_m=place, left_eye_xyzw=q[1],
        right_eye_xyzw=q[2], detail=rng.random(3, np.float32), confidence=0.5,
        detail_map=detail_map,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("smoothing", "lost_face", "detail_map"),
    [
        (None, None, None),
        (OneEuroConfig(), wire.LostFace(hold_s=0.0), wire.DetailMapOutputs(512, False, True, 3)),
    ],
)
def test_openings_round_trip(smoothing, lost_face, detail_map):
    shared = {
        "character": "ada", "layout": LAYOUT, "rate_hz": 25.0, "smoothing": smoothing,
        "outputs": wire.Outputs(False, True, True, 0.5, detail_map), "neutrals": NEUTRALS,
        "calibration_frames": 9, "neutral_relative": True, "lost_face": lost_face,
    }  # fmt: skip
    opening = wire.AnimateOpen(**shared, resume_token=b"\0token")
    assert plain(
        messages.animate_request_from_bytes(messages.animate_request_to_bytes(opening))
    ) == plain(opening)
    tracking = wire.TrackOpen(
        **shared,
        max_faces=3,
        track_outputs=wire.TrackOutputs(False, True, True),
        resume_token=b"\0token",
    )
    assert plain(
        messages.track_request_from_bytes(messages.track_request_to_bytes(tracking))
    ) == plain(tracking)


def test_empty_messages_keep_their_kind():
    frame = wire.FrameInput(0, 0.0, ())
    read = messages.animate_request_from_bytes(messages.animate_request_to_bytes(frame))
    assert plain(read) == plain(frame)
    image = wire.ImageInput(0, 0.0, b"")
    read = messages.track_request_from_bytes(messages.track_request_to_bytes(image))
    assert plain(read) == plain(image)
    reply = wire.RigReply(0, 0.0, {})
    read = messages.animate_response_from_bytes(messages.animate_response_to_bytes(reply))
    assert plain(read) == plain(reply)


def test_frames_round_trip():
    rng = np.random.default_rng(0)
    seen = Observation(
        rng.random(55, np.float32), np.float32(0.75).item(),
        rng.random(4, np.float32), rng.random(3, np.float32),
    )  # fmt: skip
    frame = wire.FrameInput(
        2**63,
        1234.000001,
        (wire.PerformerInput("a", seen), wire.PerformerInput("b", Observation(None, 0.0))),
    )
    assert plain(
        messages.animate_request_from_bytes(messages.animate_request_to_bytes(frame))
    ) == plain(frame)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_replies_round_trip(seed, nowhere):
    frame = make_frame(seed, nowhere=nowhere)
    vertices = np.random.default_rng(seed).normal(size=(7, 3)).astype(np.float32)
    mapped = make_frame(
        seed, detail_map=make_map(seed, displacement=seed % 3 > 0, normal=seed % 3 != 1)
    )
    reply = wire.RigReply(3, 2.5, {"a": frame, "b": mapped}, 4, 0.25, b"t", {"b": vertices})
    read = messages.animate_response_from_bytes(
        messages.animate_response_to_bytes(reply), frame.channel_names
    )
    assert plain(read) == plain(reply)
    face = wire.TrackedFace(
        7, 0.5, np.ones((478, 3), np.float32), np.ones(52, np.float32), np.zeros(0, np.float32),
        frame.head_rotation_xyzw, np.ones(3, np.float32), np.arange(4, dtype=np.float32),
    )  # fmt: skip
    tracked = wire.TrackReply((face,), reply, (640, 480))
    read = messages.track_response_from_bytes(
        messages.track_response_to_bytes(tracked), frame.channel_names
    )
    assert plain(read) == plain(tracked)


def test_opened_round_trips():
    opened = wire.Opened(
        "id", "ada", "00" * 32, ("jawOpen",), ("crease",), LAYOUT, SETTINGS, True, ("_neutral",)
    )
    for read in (
        messages.animate_response_from_bytes(messages.animate_response_to_bytes(opened)),
        messages.track_response_from_bytes(messages.track_response_to_bytes(opened)),
    ):
        assert plain(read) == plain(opened)


def test_outputs_choose_what_is_sent():
    reply = wire.RigReply(1, 2.5, {"": make_frame(0)})
    full = messages.animate_response_to_bytes(reply)
    bare = messages.animate_response_to_bytes(reply, wire.Outputs(pose=False, detail=False))
    read = messages.animate_response_from_bytes(bare, ("jawOpen", "tongueOut")).frames[""]
    assert len(bare) < len(full) and len(read.detail) == 0
    np.testing.assert_array_equal(read.head_translation_m, np.zeros(3, np.float32))
    np.testing.assert_array_equal(read.head_rotation_xyzw, np.float32([0, 0, 0, 1]))
    np.testing.assert_array_equal(read.channels, reply.frames[""].channels)


def test_answers_with_numbers_that_are_not_finite_are_refused():
    frame = dataclasses.replace(make_frame(0), head_translation_m=np.full(3, np.nan, np.float32))
    data = messages.animate_response_to_bytes(wire.RigReply(1, 2.5, {"": frame}))
    with pytest.raises(InputError, match=r"head_translation_m .*expected finite"):
        messages.animate_response_from_bytes(data, frame.channel_names)


def test_calibrations_round_trip():
    for request in (
        wire.CalibrateInput(NEUTRALS, ("c",), 40), wire.CalibrateInput({}, ("",)),
    ):  # fmt: skip
        data = messages.animate_request_to_bytes(request)
        assert plain(messages.animate_request_from_bytes(data)) == plain(request)
    for reply in (wire.CalibrateReply(7), wire.CalibrateReply(0)):
        data = messages.animate_response_to_bytes(reply)
        assert messages.animate_response_from_bytes(data) == reply
    with pytest.raises(InputError, match="calibrate holds performer 'b' twice"):
        twice = wire.CalibrateInput(NEUTRALS, ("b",))
        messages.animate_request_from_bytes(messages.animate_request_to_bytes(twice))


@given(st.binary(max_size=200))
def test_invalid_bytes_give_typed_errors(data):
    for parse in (messages.animate_request_from_bytes, messages.track_request_from_bytes):
        try:
            parse(data)
        except InputError:
            pass


def test_messages_without_content_are_refused():
    with pytest.raises(OrderError, match="none of `open`"):
        messages.animate_request_from_bytes(b"")
    with pytest.raises(OrderError, match="neither `open` nor `image`"):
        messages.track_request_from_bytes(b"")


def test_doubled_performers_and_times_that_are_none_are_refused():
    twice = (wire.PerformerInput("a", Observation(None)),) * 2
    for frame, words in (
        (wire.FrameInput(1, 0.0, twice), "'a' twice"),
        (wire.FrameInput(1, float("nan"), ()), "capture_time_s is nan"),
        (wire.FrameInput(1, 0.0, (wire.PerformerInput("x" * 65, Observation(None)),)), "65 bytes"),
    ):
        with pytest.raises(InputError, match=words):
            messages.animate_request_from_bytes(messages.animate_request_to_bytes(frame))


def test_the_layout_hash_is_of_names_and_sizes():
    import hashlib

    assert LAYOUT.hash == hashlib.sha256(b"scores:52\nhead_rotation:3\n").hexdigest()
    assert LAYOUT.size == 55


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("side", 0, "side 0"),
        ("side", 5, "32 bytes of displacement map, expected 50 for a side of 5"),
        ("side", 2**32 - 1, "expected"),
        ("displacement", b"odd", "3 bytes of displacement map, expected 32"),
        ("normal", bytes(16), "16 bytes of normal map, expected 48"),
        ("low_m", float("nan"), "nan to 0.002 m, expected .* finite"),
        ("high_m", float("inf"), "finite"),
    ],
)
def test_maps_that_no_server_sends_are_refused(field, value, words):
    frame = make_frame(0, detail_map=make_map(0))
    data = messages.animate_response_to_bytes(wire.RigReply(1, 2.5, {"": frame}))
    response = animation.AnimateResponse.FromString(data)
    setattr(response.rig_frame.performers[0].detail_map, field, value)
    with pytest.raises(InputError, match=words):
        messages.animate_response_from_bytes(response.SerializeToString(), frame.channel_names)
