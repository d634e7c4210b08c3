"""The client, its lifetime, and the remote drive of a tracked recording."""

import threading

import numpy as np
import pytest
from support.service import NEUTRAL, serving, take

from mien.errors import InputError, ServiceError
from mien.service import background
from mien.service.async_client import AsyncClient, SessionRequest
from mien.service.client import connect, drive_stream
from mien.tracker.features import FeatureLayout

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


def test_a_recording_driven_remotely_equals_one_driven_here(server, registry):
    moments = tracks()
    local = registry["Sphere"].character.session(neutral=NEUTRAL)
    expected = [local.step(*moment) for moment in moments]
    got = drive_stream(server.address, "Sphere", moments, layout=LAYOUT, neutral=NEUTRAL)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_array_equal(a.channels, b.channels)
        np.testing.assert_allclose(a.head_rotation_xyzw, b.head_rotation_xyzw, atol=1e-6)
        np.testing.assert_array_equal(a.head_translation_m, b.head_translation_m)
        assert (a.time_s, a.confidence) == (b.time_s, pytest.approx(b.confidence))


def test_a_drive_with_token(registry, tmp_path):
    token = tmp_path / "token"
    token.write_text("an-adequately-long-token")
    with serving(registry, token_file=token) as server:
        arguments = (server.address, "Sphere", tracks())
        options = {"layout": LAYOUT, "neutral": NEUTRAL}
        assert len(drive_stream(*arguments, **options, token_file=token)) == 8
        with pytest.raises(ServiceError, match=r"token missing.*--token-file"):
            drive_stream(*arguments, **options)


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


def test_addresses_that_are_none():
    with pytest.raises(InputError, match="is not HOST:PORT"):
        connect("nowhere")
