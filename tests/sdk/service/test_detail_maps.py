"""Maps of the skin over a real server: what the character gives here, only where asked for."""

import asyncio
import dataclasses

import numpy as np
import pytest
from support.service import NEUTRAL, serving, take
from support.tracked_images import IMAGES, Faces
from support.wrinkles import SIDE, wrinkled_package

from mien.errors import InputError, ServiceError
from mien.package import package_bytes, read_package
from mien.service import background
from mien.service.async_client import AsyncClient, SessionRequest
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.client import connect
from mien.service.detail_maps import DetailMapWorker, SessionMaps
from mien.service.limits import Limits
from mien.service.performers import StepResult
from mien.service.wire import DetailMapOutputs, Outputs

BOTH = DetailMapOutputs(side=256, normal=True)
pytestmark = pytest.mark.usefixtures("tokens_with_every_answer")


@pytest.fixture(scope="module")
def wrinkled(tmp_path_factory):
    path = wrinkled_package(tmp_path_factory.mktemp("packages") / "wrinkled.mien")
    return ServedCharacter.load(path)


@pytest.fixture(scope="module")
def character(wrinkled):
    return wrinkled.character


@pytest.fixture
def server(wrinkled):
    with serving(CharacterRegistry([wrinkled]), new_tracker=Faces) as running:
        yield running


def assert_heights(character, frame, weights):
    """To half a code, and the rounding of metres in float32."""
    blended = frame.detail_map
    assert blended.side == SIDE and blended.displacement_codes.dtype == np.uint16
    expected = character.detail_maps(SIDE).displacement(weights)
    half = 0.5 * (blended.high_m - blended.low_m) / 65535
    rounding = np.spacing(np.abs(expected).max())
    np.testing.assert_allclose(blended.displacement, expected, atol=half + rounding, rtol=0)


def assert_is_the_skin(character, frame):
    """The frame's maps are those of its own weights: heights to half a code, normals exactly."""
    assert_heights(character, frame, frame.detail)
    normals = character.detail_normals(SIDE).codes(frame.detail)
    np.testing.assert_array_equal(frame.detail_map.normal_codes, normals)


def test_maps_are_those_of_the_character_in_process(server, character):
    local, maps = character.session(neutral=NEUTRAL), character.detail_maps(SIDE)
    with connect(server.address) as client:
        with client.session("sphere", NEUTRAL, outputs=Outputs(detail_map=BOTH)) as session:
            assert session.opened.settings.outputs.detail_map.side == SIDE
            for features, time_s in take(5):
                frame, expected = session.step(features, time_s), local.step(features, time_s)
                assert_is_the_skin(character, frame)
                assert_heights(character, frame, expected.detail)
                assert (frame.detail_map.low_m, frame.detail_map.high_m) == maps.span_m
            assert np.abs(frame.detail).max() > 0.1


def test_maps_do_not_need_the_weights_to_be_sent(server, character):
    outputs = Outputs(detail=False, detail_map=DetailMapOutputs())
    local = character.session(neutral=NEUTRAL)
    with connect(server.address) as c, c.session("sphere", NEUTRAL, outputs=outputs) as session:
        frame = session.step(NEUTRAL + 0.2, 1.0)
    expected = local.step(NEUTRAL + 0.2, 1.0)
    assert not frame.detail.size and frame.detail_map.normal_codes is None
    assert_heights(character, frame, expected.detail)


def test_without_asking_there_is_none(server, character):
    with connect(server.address) as client, client.session("sphere", NEUTRAL) as session:
        assert session.opened.settings.outputs.detail_map is None
        assert session.step(NEUTRAL, 1.0).detail_map is None
    assert character.session().step(NEUTRAL, 1.0).detail_map is None


@pytest.mark.parametrize(("every", "expected"), [(1, [0, 1, 2, 3, 4]), (3, [0, 3]), (0, [0, 1])])
def test_every_so_many_frames_come_with_maps(server, every, expected):
    wanted = DetailMapOutputs(displacement=False, normal=True, every=every)
    with connect(server.address) as client:
        with client.session("sphere", NEUTRAL, outputs=Outputs(detail_map=wanted)) as session:
            assert session.opened.settings.outputs.detail_map.every == (every or 1)
            frames = list(session.stream(take(max(expected) + 1)))
    assert [i for i, frame in enumerate(frames) if frame.detail_map is not None] == expected
    assert all(frame.detail_map.displacement_codes is None for frame in frames[:1])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (DetailMapOutputs(side=0), r"detail_map.side is 0, expected 1 to 512"),
        (DetailMapOutputs(side=513), r"detail_map.side is 513, expected 1 to 512"),
        (DetailMapOutputs(side=2**32 - 1), "expected 1 to 512"),
        (DetailMapOutputs(side=SIDE - 1), f"side is 31, expected at least {SIDE}, the smallest"),
        (DetailMapOutputs(displacement=False), "nothing, expected displacement, normal or both"),
    ],
)
def test_other_maps_are_refused(server, wanted, words):
    with connect(server.address) as client:
        with pytest.raises(InputError, match=words):
            client.session("sphere", outputs=Outputs(detail_map=wanted))
        with client.session("sphere", NEUTRAL) as session:
            session.step(NEUTRAL, 1.0)


BYTES = DetailMapOutputs(side=SIDE).size_bytes


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_detail_map_side": 16}, "side is 256, expected 1 to 16"),
        ({"max_detail_map_bytes": BYTES - 1}, f"have {BYTES} bytes, expected at most {BYTES - 1}"),
        ({"max_detail_map_bytes_per_s": 10 * BYTES}, "every is 2, expected at least 3: .* 30 Hz"),
    ],
)
def test_limits_of_the_server_are_told(wrinkled, limits, words):
    wanted = Outputs(detail_map=DetailMapOutputs(every=2))
    with serving(CharacterRegistry([wrinkled]), limits=Limits(**limits)) as server:
        with connect(server.address) as client, pytest.raises(InputError, match=words):
            client.session("sphere", outputs=wanted, rate_hz=30.0)


def test_a_character_without_detail_is_refused(registry):
    with serving(registry, new_tracker=Faces) as server, connect(server.address) as client:
        outputs = Outputs(detail_map=BOTH)
        with pytest.raises(InputError, match="character 'Sphere' has no skin detail"):
            client.session("Sphere", outputs=outputs)
        with pytest.raises(InputError, match="name the character whose skin is wanted"):
            next(client.track(IMAGES, request=SessionRequest(outputs=outputs)))


def test_more_than_the_limits_is_left_out_and_animation_goes_on(wrinkled):
    """Room for two maps in an answer, ten a second; three performers at 10 Hz."""
    now_s = 0.0
    limits = Limits(max_detail_map_bytes=2 * BYTES, max_detail_map_bytes_per_s=10 * BYTES)
    worker, wanted = DetailMapWorker(), DetailMapOutputs(side=SIDE)
    maps = SessionMaps(worker, wrinkled, wanted, limits, lambda: now_s)
    stepped = {
        name: StepResult(wrinkled.character.session(NEUTRAL).step(NEUTRAL, 1.0), None)
        for name in "abc"
    }

    def counted():
        added = background.run(maps.added(stepped))
        assert list(added) == list(stepped)
        return [one.frame.detail_map is not None for one in added.values()]

    background.run(worker.load(wrinkled, wanted))
    assert counted() == [True, True, False]
    assert counted() == [False] * 3
    now_s = 0.1
    assert counted() == [True, False, False]
    now_s = 100.0  # silence is not saved up
    assert counted() == [True, True, False]
    worker.close()


def test_a_resumed_session_chooses_anew(server, character):
    moments = take(6)
    local = character.session(neutral=NEUTRAL)
    outputs = Outputs(resume_token_interval_s=1e-9)
    with connect(server.address) as client:
        with client.session("sphere", NEUTRAL, outputs=outputs) as session:
            for features, time_s in moments[:3]:
                token = session.exchange({"": features}, time_s).resume_token
                local.step(features, time_s)
        outputs = Outputs(detail_map=BOTH)
        with client.session("sphere", NEUTRAL, outputs=outputs, resume_token=token) as session:
            assert session.opened.resumed
            for features, time_s in moments[3:]:
                frame, expected = session.step(features, time_s), local.step(features, time_s)
                np.testing.assert_allclose(frame.detail, expected.detail, atol=1e-6)
                assert_is_the_skin(character, frame)


def test_a_lagging_client_gets_the_skin_of_the_frames_that_were_not_dropped(server, character):
    """Twenty frames sent before the first answer is read: the newest win, each with its own map."""

    async def lag():
        async with AsyncClient(server.address) as client:
            request = SessionRequest(neutral=NEUTRAL, outputs=Outputs(detail_map=BOTH))
            async with client.session("sphere", request) as session:
                for features, time_s in take(20):
                    await session.send({"a": features, "b": features[::-1]}, time_s)
                await asyncio.sleep(0.05)
                replies = [await session.receive()]
                while replies[-1].sequence < 20:
                    replies.append(await session.receive())
                return replies

    replies = background.run(lag())
    assert len(replies) + replies[-1].dropped == 20
    for reply in replies:
        for frame in reply.frames.values():
            assert_is_the_skin(character, frame)


def test_tracked_faces_have_their_skin(server, character):
    request = SessionRequest(neutral={"0": NEUTRAL, "1": NEUTRAL}, outputs=Outputs(detail_map=BOTH))
    options = {"max_faces": 2, "character": "sphere", "request": request}
    with connect(server.address) as client:
        replies = list(client.track(IMAGES, **options))
    for reply in replies:
        assert list(reply.rig.frames) == ["0", "1"]
        for frame in reply.rig.frames.values():
            assert_is_the_skin(character, frame)


def test_broken_images_fail_the_sessions_that_need_them_alone(wrinkled):
    package = read_package(wrinkled.data)
    name = package.manifest.detail.find("static", "displacement").file
    files = {n: package.read_bytes(n) for n in package.manifest.files} | {name: b"no image"}
    data = package_bytes(package.manifest, files)
    broken = dataclasses.replace(
        wrinkled, character=dataclasses.replace(wrinkled.character, package=read_package(data))
    )
    with serving(CharacterRegistry([broken])) as server, connect(server.address) as client:
        with pytest.raises(ServiceError, match=f"{name}: is not a readable PNG"):
            client.session("sphere", outputs=Outputs(detail_map=BOTH))
        with client.session("sphere", NEUTRAL) as session:
            session.step(NEUTRAL, 1.0)
            assert server.limiter.budgets.performers.spent == 1
