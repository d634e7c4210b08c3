"""The client, its lifetime, and the remote drive of a tracked recording."""

import dataclasses
import threading

import numpy as np
import pytest
from support.service import NEUTRAL, serving, take, wait_until_empty

from mien.errors import InputError, ServiceError
from mien.filters import OneEuroConfig
from mien.observation import Observation
from mien.performer import Performer
from mien.service import background
from mien.service.async_client import AsyncClient, SessionRequest
from mien.service.client import connect
from mien.service.wire import LostFace, Outputs
from mien.session import SessionOptions
from mien.tracker.features import FeatureLayout, driver_features

LAYOUT = FeatureLayout(("scores", "head_rotation"))


def tracks(count=8):
    from mien.tracker.face_track import FaceTrack

    rng = np.random.default_rng(3)
    found = []
    for i in range(count):
        turn = np.array([*rng.normal(0, 0.1, 3), 1.0])
        track = FaceTrack(
            face_id=0, presence=0.9, landmarks=rng.random((478, 3), np.float32),
            scores=rng.random(52, np.float32), deep=rng.random(512, np.float32),
            deep_map=rng.random(2048, np.float32),
            head_rotation_xyzw=(turn / np.linalg.norm(turn)).astype(np.float32),
            head_translation_m=rng.random(3, np.float32), box=rng.random(4, np.float32),
        )  # fmt: skip
        found.append((None if i == 4 else track, 1 + i / 30))
    return found


def test_a_recording_streamed_remotely_equals_one_driven_here(server, registry):
    moments = tracks()
    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    with connect(server.address) as client, client.session("Sphere", NEUTRAL) as remote:
        got = list(remote.stream(moments))
    assert len(got) == len(moments)
    for frame, moment in zip(got, moments, strict=True):
        same_frame(frame, local.step(*moment))


def test_a_token_opens_the_server(registry, tmp_path):
    token = tmp_path / "token"
    token.write_text("an-adequately-long-token")
    with serving(registry, token_file=token) as server:
        with connect(server.address, token.read_text()) as client:
            with client.session("Sphere", NEUTRAL) as session:
                assert len(list(session.stream(tracks()))) == 8
        with connect(server.address) as client:
            with pytest.raises(ServiceError, match=r"token missing.*--token-file"):
                client.session("Sphere", NEUTRAL)


def test_options_are_in_force_there_as_they_are_here(server):
    """All that SessionOptions says; without any, the server's own."""
    options = SessionOptions(OneEuroConfig(), 7, min_presence=0.2, hold_s=0.0, forget_s=3.0)
    with connect(server.address) as client:
        with client.session("Sphere", options=options) as session:
            settings = session.opened.settings
        assert settings.smoothing == options.smoothing and settings.calibration_frames == 7
        assert settings.lost_face == LostFace(0.2, 0.0, options.decay_s, 3.0)
        with client.session("Sphere") as session:
            settings = session.opened.settings
        assert settings.smoothing is None and settings.lost_face == LostFace()
        relative = SessionOptions(calibration_frames=0)
        with client.session("Sphere", options=relative) as session:
            assert session.opened.settings.calibration_frames == 0
            with pytest.raises(InputError, match="come without their neutral"):
                session.calibrate(frames=5)


def same_frame(a, b):
    """Every field; to the float32 of the wire."""
    for field in dataclasses.fields(a):
        x, y = getattr(a, field.name), getattr(b, field.name)
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype == np.float32
            np.testing.assert_allclose(x, y, atol=1e-6, err_msg=field.name)
        elif field.name == "confidence":
            assert x == pytest.approx(y, abs=1e-6)
        else:
            assert x == y


def inputs(kind):
    """The same take as a FaceTrack, an Observation of it, or features; now and then no face."""
    for i, (track, _) in enumerate(tracks(40)):
        if track is None or kind == "track":
            yield track
            continue
        track = dataclasses.replace(track, presence=0.3 if i % 13 == 12 else 0.9)
        features = driver_features(track, LAYOUT)
        if kind == "features":
            yield features
        else:
            turn = None if i % 2 else track.head_rotation_xyzw
            place = None if i % 3 else track.head_translation_m
            yield Observation(features, track.presence, turn, place)


@pytest.mark.parametrize("kind", ["track", "observation", "features"])
@pytest.mark.parametrize("smoothing", [None, OneEuroConfig(min_cutoff_hz=2.0)])
def test_performers_here_and_there_give_the_same_frames(server, registry, kind, smoothing):
    options = SessionOptions(
        smoothing, 5, min_presence=0.4, hold_s=0.02, decay_s=0.1, forget_s=0.04
    )
    local = registry["Sphere"].character.session(options=options)
    with (
        connect(server.address) as client,
        client.session("Sphere", options=options) as remote,
    ):
        assert isinstance(remote, Performer)
        assert remote.channel_names == local.channel_names and remote.layout == local.layout
        for i, seen in enumerate(inputs(kind)):
            if i == 15:
                for performer in (local, remote):
                    performer.calibrate(NEUTRAL)
            elif i == 20:
                for performer in (local, remote):
                    performer.calibrate(frames=7)
            elif i == 33:
                for performer in (local, remote):
                    performer.calibrate()
            same_frame(remote.step(seen, 1 + i / 30), local.step(seen, 1 + i / 30))


def test_presence_and_place_go_with_features_as_they_do_here(server, registry):
    place = np.float32([0.1, 0.2, -0.5])
    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    with connect(server.address) as client, client.session("Sphere", neutral=NEUTRAL) as remote:
        for presence in (0.75, 0.4):
            known = {"presence": presence, "head_translation_m": place}
            time_s = 2 - presence
            same_frame(remote.step(NEUTRAL, time_s, **known), local.step(NEUTRAL, time_s, **known))


@pytest.mark.parametrize("outputs", [Outputs(pose=False), Outputs(pose=True)])
def test_a_place_that_is_not_known_is_zero(server, outputs):
    with (
        connect(server.address) as client,
        client.session("Sphere", neutral=NEUTRAL, outputs=outputs) as remote,
    ):
        frame = remote.step(NEUTRAL, 1.0)
    np.testing.assert_array_equal(frame.head_translation_m, np.zeros(3, np.float32))


def test_input_that_is_refused_leaves_the_session_as_it_was(server, registry):
    bad_place = Observation(NEUTRAL, 1.0, None, np.float32([0, np.nan, 0]))
    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    with connect(server.address) as client, client.session("Sphere", neutral=NEUTRAL) as remote:
        same_frame(remote.step(NEUTRAL, 1.0), local.step(NEUTRAL, 1.0))
        for seen, time_s in (
            (NEUTRAL[:3], 2.0), (NEUTRAL * np.nan, 2.0), (bad_place, 2.0), ("no face", 2.0),
            (Observation(NEUTRAL, 1.5), 2.0), (NEUTRAL, 1.0), (NEUTRAL, np.nan),
        ):  # fmt: skip
            for performer in (local, remote):
                with pytest.raises(InputError):
                    performer.step(seen, time_s)
        for wrong in ({"neutral": NEUTRAL[:3]}, {"frames": -1}, {"frames": 601}):
            for performer in (local, remote):
                with pytest.raises(InputError):
                    performer.calibrate(**wrong)
        same_frame(remote.step(NEUTRAL, 3.0), local.step(NEUTRAL, 3.0))


def test_a_session_can_be_closed_by_hand(server):
    with connect(server.address) as client:
        session = client.session("Sphere", neutral=NEUTRAL)
        session.step(NEUTRAL, 1.0)
        session.close()
        session.close()
        for call in (lambda: session.step(NEUTRAL, 2.0), session.calibrate):
            with pytest.raises(InputError, match="closed"):
                call()
        wait_until_empty(server)


def test_a_calibration_amid_a_stream_loses_no_frame(server):
    moments = take(24)
    options = SessionOptions(calibration_frames=3)
    with connect(server.address) as client, client.session("Sphere", options=options) as one:
        frames = []
        for frame in one.stream(moments):
            frames.append(frame)
            if len(frames) in (8, 16):
                one.calibrate(NEUTRAL)
    assert [frame.time_s for frame in frames] == [time_s for _, time_s in moments]
    assert frames[-1].confidence == 1


def test_streaming_takes_moments_as_they_come(server):
    """Pipelining reads ahead no further than the mailbox allows."""
    read = []

    def live():
        for moment in take(10):
            read.append(moment)
            yield moment

    with connect(server.address) as client, client.session("Sphere", neutral=NEUTRAL) as session:
        window = session.opened.settings.mailbox_frames
        for answered, _ in enumerate(session.stream(live()), start=1):
            assert len(read) <= answered + window
    assert answered == len(read) == 10


def test_many_clients_at_once(server, registry):
    results = {}

    def drive(seed):
        with connect(server.address) as client, client.session("Sphere", neutral=NEUTRAL) as s:
            results[seed] = [frame.channels for frame in s.stream(take(20, seed))]

    threads = [threading.Thread(target=drive, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for seed, got in results.items():
        local = registry["Sphere"].character.session(neutral=NEUTRAL)
        expected = [local.step(*moment).channels for moment in take(20, seed)]
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert len(results) == 6


def test_the_async_client_streams(server, registry):
    async def go():
        async with (
            AsyncClient(server.address) as client,
            client.session("Sphere", SessionRequest(neutral=NEUTRAL)) as session,
        ):
            return [frame async for frame in session.stream(take(9))]

    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    for frame, moment in zip(background.run(go()), take(9), strict=True):
        np.testing.assert_array_equal(frame.channels, local.step(*moment).channels)


def test_a_layout_that_the_character_does_not_take(server):
    layout = FeatureLayout(("head_rotation", "scores"))
    with connect(server.address) as client:
        with pytest.raises(InputError, match=r"client sends head_rotation \(3\), scores \(52\)"):
            with client.session("Sphere", layout=layout):
                pass


def test_addresses_that_are_not_valid():
    with pytest.raises(InputError, match="is not HOST:PORT"):
        connect("nowhere")
