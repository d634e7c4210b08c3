"""Animate: the same frames as in process, typed refusals, and a server that stays well."""

import dataclasses
import struct
import zlib

import grpc
import numpy as np
import pytest
from support.packages import FEATURE_SIZE
from support.raw_animation import (
    OPEN,
    WIRE_LAYOUT,
    assert_well,
    exchange_in_step,
    exchange_raw,
    frame,
)
from support.service import NEUTRAL, serving, take, wait_until_empty

from mien.errors import InputError, ServiceError
from mien.filters import OneEuroConfig
from mien.service import background, wire
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.resume_token import pack_token, unpack_token
from mien.session import Observation, SessionOptions

BAD_FEATURES = NEUTRAL.copy()
BAD_FEATURES[53] = np.nan
SWAPPED = wire.Layout((("head_rotation", 3), ("scores", 52)))
REFUSALS = {
    "unknown character": (
        [wire.AnimateOpen("nobody", WIRE_LAYOUT)], "NOT_FOUND", "'nobody' here, there is 'Sphere'",
    ),
    "no character": ([wire.AnimateOpen("", WIRE_LAYOUT)], "NOT_FOUND", "there is no character ''"),
    "no layout": (
        [wire.AnimateOpen("Sphere", wire.Layout())],
        "INVALID_ARGUMENT", "needs the feature layout by name: scores (52), head_rotation (3)",
    ),
    "other order of groups": (
        [wire.AnimateOpen("Sphere", SWAPPED)],
        "INVALID_ARGUMENT", "takes the feature groups scores (52), head_rotation (3)",
    ),
    "other hash": (
        [wire.AnimateOpen("Sphere", wire.Layout((), "00" * 32))],
        "INVALID_ARGUMENT", "layout's hash is '0000",
    ),
    "neutral of another size": (
        [wire.AnimateOpen("Sphere", WIRE_LAYOUT, neutrals={"": NEUTRAL[:-1]})],
        "INVALID_ARGUMENT", f"54 feature values, expected {FEATURE_SIZE}",
    ),
    "rate": (
        [wire.AnimateOpen("Sphere", WIRE_LAYOUT, rate_hz=1e6)], "INVALID_ARGUMENT", "rate_hz is",
    ),
    "resume token": (
        [wire.AnimateOpen("Sphere", WIRE_LAYOUT, resume_token=b"x")],
        "INVALID_ARGUMENT", "resume_token: ",
    ),
    "features of another size": (
        [OPEN, frame(1, NEUTRAL[:-1])],
        "INVALID_ARGUMENT", "54 feature values, expected 55: scores (52), head_rotation (3)",
    ),
    "NaN": ([OPEN, frame(1, BAD_FEATURES)], "INVALID_ARGUMENT", "head_rotation[1] is nan"),
    "time that stands still": (
        [OPEN, frame(1, time_s=1.0), frame(2, time_s=1.0)], "FAILED_PRECONDITION", "must both rise",
    ),
    "sequence that goes back": (
        [OPEN, frame(2, time_s=1.0), frame(1, time_s=2.0)], "FAILED_PRECONDITION", "must both rise",
    ),
    "frame before open": ([frame()], "FAILED_PRECONDITION", "first message of a stream must be"),
    "nothing": ([], "FAILED_PRECONDITION", "ended before its opening message"),
    "empty message": ([b""], "FAILED_PRECONDITION", "none of `open`"),
    "second open": ([OPEN, OPEN], "FAILED_PRECONDITION", "a second time"),
    "no message at all": (
        [b"\xff\xff\xff"], "INVALID_ARGUMENT", "not a valid mien.v1.AnimateRequest",
    ),
    "oversized": (
        [OPEN, frame(1, np.zeros(70_000, np.float32))],
        "RESOURCE_EXHAUSTED", "at most 262144 are taken",
    ),
    "beyond what the transport takes": (
        [OPEN, b"\0" * 5_000_000], "RESOURCE_EXHAUSTED", "larger than max",
    ),
    "too many performers": (
        [
            OPEN,
            wire.FrameInput(
                1, 1.0, tuple(wire.PerformerInput(str(i), Observation(NEUTRAL)) for i in range(17))
            ),
        ],
        "RESOURCE_EXHAUSTED", "17 performers, at most 16",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_are_typed_and_the_server_stays_well(server, case):
    requests, code, words = REFUSALS[case]
    _, got, details = exchange_raw(server.address, *requests)
    assert (got.name, words in details) == (code, True), (got, details)
    assert_well(server.address)
    wait_until_empty(server)


def test_frames_before_a_bad_one_are_answered(server):
    answers, code, _ = exchange_raw(server.address, OPEN, frame(1), frame(2, BAD_FEATURES))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [answer.sequence for answer in answers[1:]] == [1]


def test_the_server_gives_the_frames_of_a_local_session(server, registry):
    smoothing = OneEuroConfig(min_cutoff_hz=2.0, blink_guard=False)
    options = SessionOptions(smoothing)
    character = registry["Sphere"].character
    local = character.session(NEUTRAL, options)
    moments = take(20)
    moments[7] = (None, moments[7][1])
    expected = [local.step(*moment) for moment in moments]
    with (
        connect(server.address) as client,
        client.session("Sphere", NEUTRAL, options) as session,
    ):
        got = list(session.stream(moments))
        assert session.opened.channel_names == character.channel_names
        assert session.opened.settings.smoothing == smoothing
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.channels, b.channels)
        np.testing.assert_allclose(a.head_rotation_xyzw, b.head_rotation_xyzw, atol=1e-7)
        np.testing.assert_allclose(a.left_eye_xyzw, b.left_eye_xyzw, atol=1e-7)
        assert a.confidence == pytest.approx(b.confidence)
        assert (a.time_s, a.channel_names) == (b.time_s, b.channel_names)


def test_calibration_runs_on_the_server(server, registry):
    local = registry["Sphere"].character.session(options=SessionOptions(calibration_frames=4))
    moments = take(8)
    with (
        connect(server.address) as client,
        client.session("Sphere", options=SessionOptions(calibration_frames=4)) as session,
    ):
        for moment in moments:
            a, b = session.step(*moment), local.step(*moment)
            np.testing.assert_array_equal(a.channels, b.channels)
            assert a.confidence == pytest.approx(b.confidence)


def test_a_calibration_is_negotiated_down_and_the_answer_says_so(registry):
    """As a client that is not mien's: asks for all that the field can hold."""
    limits = Limits(max_calibration_frames=4)
    with serving(registry, limits=limits) as server:
        opening = dataclasses.replace(OPEN, neutrals={}, calibration_frames=2**32 - 1)
        again = wire.CalibrateInput({}, ("",), 2**32 - 1)
        frames = [frame(i, features, float(i)) for i, (features, _) in enumerate(take(12), 1)]
        requests = (opening, *frames[:6], again, *frames[6:])
        answers = exchange_in_step(server.address, *requests)
    assert answers[0].settings.calibration_frames == 4 and answers[7] == wire.CalibrateReply(4)
    confidences = [a.frames[""].confidence for a in answers if isinstance(a, wire.RigReply)]
    # `take` gives presence 1, so this is the calibration's progress.
    assert confidences == [0.25, 0.5, 0.75, 1, 1, 1, 0.25, 0.5, 0.75, 1, 1, 1]


def test_the_servers_own_setting_is_limited_too(registry):
    limits = Limits(max_calibration_frames=4)
    with (
        serving(registry, limits=limits, calibration_frames=30) as server,
        connect(server.address) as client,
        client.session("Sphere") as session,
    ):
        assert session.calibration_frames == 4


def test_calibrations_that_do_not_fit_are_refused(server):
    relative = dataclasses.replace(OPEN, neutrals={}, neutral_relative=True)
    many = tuple(str(i) for i in range(17))
    for opening, request, code, words in (
        (OPEN, wire.CalibrateInput({"": NEUTRAL[:3]}), "INVALID_ARGUMENT", "expected 55"),
        (OPEN, wire.CalibrateInput({"": BAD_FEATURES}), "INVALID_ARGUMENT", "is nan"),
        (OPEN, wire.CalibrateInput({}, many), "RESOURCE_EXHAUSTED", "17 performers, at most 16"),
        (relative, wire.CalibrateInput({}, ("",)), "INVALID_ARGUMENT", "without their neutral"),
    ):
        _, got, details = exchange_raw(server.address, opening, request)
        assert (got.name, words in details) == (code, True), details
    assert_well(server.address)


def test_performers_are_independent_and_keep_their_state(server, registry):
    character = registry["Sphere"].character
    takes = {name: take(10, seed) for seed, name in enumerate(("anna", "ben"))}
    times = [5 + i / 30 for i in range(10)]
    with (
        connect(server.address) as client,
        client.session("Sphere", neutral=dict.fromkeys(takes, NEUTRAL)) as session,
    ):
        locals_ = {name: character.session(neutral=NEUTRAL) for name in takes}
        for i, time_s in enumerate(times):
            present = {name: t[i][0] for name, t in takes.items() if name == "anna" or i % 2}
            reply = session.exchange(present, time_s)
            assert list(reply.frames) == list(present)
            for name, features in present.items():
                expected = locals_[name].step(features, time_s)
                np.testing.assert_allclose(
                    reply.frames[name].channels, expected.channels, atol=1e-6
                )


def test_state_is_kept_for_a_bounded_number_of_performers(registry):
    limits = Limits(max_performers=2)
    with (
        serving(registry, limits=limits) as server,
        connect(server.address) as client,
        client.session("Sphere", options=SessionOptions(calibration_frames=1)) as session,
    ):
        for i, name in enumerate("abcdef"):
            reply = session.exchange({name: NEUTRAL, "a": NEUTRAL}, 1 + i / 30)
            assert set(reply.frames) == {name, "a"}


def test_vertices_are_the_rigs(server, registry):
    from mien.deform import blend, shape_weights

    rig = registry["Sphere"].character.rig
    with (
        connect(server.address) as client,
        client.session("Sphere", neutral=NEUTRAL, outputs=wire.Outputs(vertices=True)) as session,
    ):
        reply = session.exchange({"": take(1)[0][0]}, 1.0)
    frame = reply.frames[""]
    expected = blend(rig, shape_weights(rig, frame.channel_names, frame.channels))
    np.testing.assert_array_equal(reply.vertices[""], expected)


def test_what_the_tracker_knows_comes_through(server):
    place, turn = np.array([0.1, 0.2, -0.5], np.float32), np.array([0, 0.6, 0, 0.8], np.float32)
    with connect(server.address) as client, client.session("Sphere", neutral=NEUTRAL) as session:
        got = session.step(Observation(NEUTRAL, 0.75, turn, place), 1.0)
    assert got.confidence == 0.75
    np.testing.assert_allclose(got.head_translation_m, place)
    np.testing.assert_allclose(got.head_rotation_xyzw, turn, atol=1e-7)


def test_a_session_goes_on_elsewhere(registry, tokens_with_every_answer):
    moments = take(16)
    whole = registry["Sphere"].character.session(neutral=NEUTRAL)
    expected = [whole.step(*moment) for moment in moments]
    outputs = wire.Outputs(resume_token_interval_s=1e-9)
    with serving(registry) as first, connect(first.address) as client:
        with client.session("Sphere", neutral=NEUTRAL, outputs=outputs) as session:
            for features, time_s in moments[:8]:
                token = session.exchange({"": features}, time_s).resume_token
    assert token
    with serving(registry) as second, connect(second.address) as client:
        with client.session("Sphere", resume_token=token, neutral=NEUTRAL) as session:
            assert session.opened.resumed
            got = [session.step(*moment) for moment in moments[8:]]
    for a, b in zip(got, expected[8:], strict=True):
        np.testing.assert_array_equal(a.channels, b.channels)


def token_that_watches(token, frames):
    """The token with another count of frames to watch, its checksums right."""
    ((name, state),) = unpack_token(token, token[8:40].hex()).items()
    body = state[28:52] + struct.pack("<I", frames) + state[56:]
    state = state[:24] + struct.pack("<I", zlib.crc32(body)) + body
    return pack_token(token[8:40].hex(), {name: state})


def test_damaged_tokens_are_refused(server, registry, tokens_with_every_answer):
    outputs = wire.Outputs(resume_token_interval_s=1e-9)
    with (
        connect(server.address) as client,
        client.session("Sphere", neutral=NEUTRAL, outputs=outputs) as session,
    ):
        token = session.exchange({"": NEUTRAL}, 1.0).resume_token
    rng = np.random.default_rng(0)
    damaged = [token[:cut] for cut in range(0, len(token), 37)] + [token + b"\0"]
    damaged += [token_that_watches(token, frames) for frames in (121, 600, 601, 2**32 - 2)]
    for place in rng.integers(0, len(token), 20):
        damaged.append(token[:place] + bytes([token[place] ^ 0x55]) + token[place + 1 :])
    refused = 0
    for bad in damaged:
        opening = wire.AnimateOpen("Sphere", WIRE_LAYOUT, resume_token=bad)
        _, code, details = exchange_raw(server.address, opening)
        if bad:  # no token at all is no damage
            assert code is grpc.StatusCode.INVALID_ARGUMENT, (code, details)
            refused += 1
    assert refused >= 30
    assert_well(server.address)


def test_an_ordinary_generated_client(server, registry):
    """What any language's compiler makes of the contract: public messages, generated stub."""
    from mien.service.v1 import animation_service_pb2 as pb
    from mien.service.v1 import animation_service_pb2_grpc as pb_grpc

    moments = take(5)

    def requests():
        opening = pb.AnimateRequest()
        opening.open.character = "Sphere"
        opening.open.features.sha256 = WIRE_LAYOUT.hash  # the hash alone will do
        opening.open.calibration.neutrals.add(id="me", features=NEUTRAL.tolist())
        yield opening
        for sequence, (features, time_s) in enumerate(moments):
            request = pb.AnimateRequest()
            request.frame.sequence, request.frame.capture_time_s = sequence, time_s
            request.frame.performers.add(id="me", features=features.tolist())
            yield request

    async def go():
        async with grpc.aio.insecure_channel(server.address) as channel:
            call = pb_grpc.AnimationServiceStub(channel).Animate()
            answers = []
            for request in requests():
                await call.write(request)
                answers.append(await call.read())
            await call.done_writing()
            assert await call.read() is grpc.aio.EOF
            return answers

    opened, *answers = background.run(go())
    assert list(opened.opened.channel_names) == ["jawOpen", "mouthSmileLeft", "browInnerUp"]
    assert opened.opened.features.sha256 == WIRE_LAYOUT.hash
    assert [(g.name, g.size) for g in opened.opened.features.groups] == list(WIRE_LAYOUT.groups)
    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    for sequence, (answer, moment) in enumerate(zip(answers, moments, strict=True)):
        rig_frame = answer.rig_frame
        (performer,) = rig_frame.performers
        assert (rig_frame.sequence, performer.id) == (sequence, "me")
        assert not performer.HasField("pose") and not performer.vertices_m
        np.testing.assert_array_equal(
            np.array(performer.channels, np.float32), local.step(*moment).channels
        )


def test_errors_of_the_client_say_what_to_do(server, registry):
    with connect(server.address) as client:
        with pytest.raises(InputError, match="'nobody' here, there is 'Sphere'"):
            with client.session("nobody"):
                pass
        with client.session("Sphere") as session:
            with pytest.raises(InputError, match=r"shape \(3,\), expected \(55,\)"):
                session.step(NEUTRAL[:3], 1.0)
            session.step(NEUTRAL, 1.0)  # refused before it was sent: the session goes on
    with connect("127.0.0.1:9") as client:
        with pytest.raises(ServiceError, match="is it running, and is the address right"):
            client.characters()


def test_a_lost_face_fades_as_the_client_asks(server, registry):
    """On the wire all four values are taken as they are; what none can be is refused by name."""
    character = registry["Sphere"].character
    options = SessionOptions(min_presence=0.9, hold_s=0.0, decay_s=0.0, forget_s=0.0)
    moments = [(Observation(x, 0.8 if i % 3 else 1.0), t) for i, (x, t) in enumerate(take(9))]
    local = character.session(NEUTRAL, options)
    with connect(server.address) as client, client.session("Sphere", NEUTRAL, options) as remote:
        for moment in moments:
            a, b = remote.step(*moment), local.step(*moment)
            np.testing.assert_array_equal(a.channels, b.channels)
            assert a.confidence == b.confidence
    wrong = dataclasses.replace(OPEN, lost_face=wire.LostFace(decay_s=-1.0))
    _, code, details = exchange_raw(server.address, wrong)
    assert code is grpc.StatusCode.INVALID_ARGUMENT and "decay_s is -1.0" in details
