"""Pictures of an avatar over a real server: those of the character here, only where asked for."""

import asyncio
import io

import numpy as np
import pytest
from PIL import Image
from support.service import NEUTRAL, serving, take
from support.splat_avatars import avatar_package, sphere_avatar
from support.tracked_images import IMAGES, Faces
from support.wrinkles import wrinkled_package

from mien.avatar.playback.avatar_image import AvatarPicture, is_marked
from mien.avatar.playback.portrait import portrait
from mien.errors import InputError
from mien.service.async_client import SessionRequest
from mien.service.avatar_pictures import PictureWorker, SessionPictures
from mien.service.character_registry import CharacterRegistry, ServedCharacter
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.message_parts import picture_from
from mien.service.performers import StepResult
from mien.service.v1 import rig_frame_pb2
from mien.service.wire import AvatarPictureOutputs, DetailMapOutputs, Outputs

SIDE = 32
WANTED = AvatarPictureOutputs(SIDE)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    path = avatar_package(tmp_path_factory.mktemp("avatar") / "sphere.mien")
    return ServedCharacter.load(path)


@pytest.fixture(scope="module")
def server(served):
    with serving(CharacterRegistry([served]), new_tracker=Faces) as running:
        yield running


def pixels(picture: AvatarPicture) -> np.ndarray:
    assert is_marked(picture.png) and picture.mark.startswith("Synthetic image of sphere")
    with Image.open(io.BytesIO(picture.png)) as image:
        return np.asarray(image).astype(int)


def test_pictures_are_those_drawn_here(server, served):
    character = served.character
    camera = portrait(character.rig, SIDE, SIDE)
    outputs = Outputs(avatar_picture=WANTED)
    local = character.session(neutral=NEUTRAL)
    with connect(server.address) as c, c.session("sphere", NEUTRAL, outputs=outputs) as session:
        assert session.opened.settings.outputs.avatar_picture == WANTED
        for features, time_s in take(3):
            frame, expected = session.step(features, time_s), local.step(features, time_s)
            drawn = character.avatar().image(expected, camera, SIDE, SIDE).rgba
            assert frame.avatar_picture.side == SIDE
            assert np.abs(pixels(frame.avatar_picture) - drawn).max() <= 2
            assert len(frame.avatar) == 0


def test_maps_of_the_skin_and_pictures_come_together(tmp_path):
    """From one character with both, in frames of its own pace for each."""
    both = wrinkled_package(tmp_path / "both.mien", avatar=sphere_avatar())
    served = ServedCharacter.load(both)
    outputs = Outputs(
        avatar=True, avatar_picture=AvatarPictureOutputs(SIDE, every=2),
        detail_map=DetailMapOutputs(every=3),
    )  # fmt: skip
    with (
        serving(CharacterRegistry([served])) as server,
        connect(server.address) as client,
        client.session("sphere", NEUTRAL, outputs=outputs) as session,
    ):
        names = session.opened.detail_names, session.opened.avatar_names
        frames = list(session.stream(take(6)))
    assert [k for k, f in enumerate(frames) if f.avatar_picture is not None] == [0, 2, 4]
    assert [k for k, f in enumerate(frames) if f.detail_map is not None] == [0, 3]
    assert min(map(len, names)) > 0
    assert all((len(f.detail), len(f.avatar)) == tuple(map(len, names)) for f in frames)


def test_tracked_faces_have_pictures(server):
    request = SessionRequest(outputs=Outputs(avatar_picture=WANTED))
    with connect(server.address) as client:
        replies = list(client.track(IMAGES[:2], character="sphere", request=request))
    for reply in replies:
        (frame,) = reply.rig.frames.values()
        assert pixels(frame.avatar_picture).shape == (SIDE, SIDE, 4)


def test_every_so_many_frames_and_none_without_asking(server):
    outputs = Outputs(avatar_picture=AvatarPictureOutputs(SIDE, every=3))
    with connect(server.address) as client:
        with client.session("sphere", NEUTRAL, outputs=outputs) as session:
            frames = list(session.stream(take(5)))
        assert [k for k, f in enumerate(frames) if f.avatar_picture is not None] == [0, 3]
        with client.session("sphere", NEUTRAL) as session:
            assert session.step(NEUTRAL, 1.0).avatar_picture is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (AvatarPictureOutputs(0), r"avatar_picture\.side is 0, expected 1 to 512"),
        (AvatarPictureOutputs(513), r"side is 513, expected 1 to 512"),
        (AvatarPictureOutputs(2**32 - 1), "expected 1 to 512"),
        (AvatarPictureOutputs(512), r"every is 1, expected at least 3: .* at 30 Hz"),
    ],
)
def test_what_would_be_more_than_is_drawn_is_refused(server, wanted, words):
    with connect(server.address) as client:
        with pytest.raises(InputError, match=words):
            client.session("sphere", rate_hz=30.0, outputs=Outputs(avatar_picture=wanted))
        with client.session("sphere", NEUTRAL) as session:
            session.step(NEUTRAL, 1.0)


def test_characters_without_an_avatar_and_none_at_all(registry):
    outputs = Outputs(avatar_picture=WANTED)
    with serving(registry, new_tracker=Faces) as server, connect(server.address) as client:
        with pytest.raises(InputError, match="character 'Sphere' has no avatar"):
            client.session("Sphere", outputs=outputs)
        with pytest.raises(InputError, match="name the character whose avatar is wanted"):
            next(client.track(IMAGES, request=SessionRequest(outputs=outputs)))


def test_a_server_that_cannot_draw_says_so(server, monkeypatch):
    from mien.avatar.playback import splat_avatar
    from mien.errors import MissingExtraError

    def missing():
        raise MissingExtraError("pip install 'mien[avatar]'")

    monkeypatch.setattr(splat_avatar, "require_drawing", missing)
    with connect(server.address) as client:
        with pytest.raises(InputError, match=r"this server cannot draw: .*mien\[avatar\]"):
            client.session("sphere", outputs=Outputs(avatar_picture=WANTED))


class Worker(PictureWorker):
    """Draws nothing, at once."""

    async def draw(self, served, wanted, frame):
        return AvatarPicture(wanted.side, b"\x89PNG", "")


def test_more_than_the_limits_is_left_out_and_animation_goes_on(served):
    """Room for two pictures in an answer, ten a second; three performers at 10 Hz; then a server
    that is busy."""
    now_s, worker = 0.0, Worker()
    limits = Limits(
        max_avatar_pixels_per_answer=2 * WANTED.pixels, max_avatar_pixels_per_s=10 * WANTED.pixels
    )
    pictures = SessionPictures(worker, served, WANTED, limits, lambda: now_s)
    step = StepResult(served.character.session(neutral=NEUTRAL).step(NEUTRAL, 1.0), None)

    async def count() -> int:
        done = await pictures.added({str(k): step for k in range(3)})
        assert len(done) == 3
        return sum(one.frame.avatar_picture is not None for one in done.values())

    counts = []
    for k in range(4):
        now_s = 0.1 * k
        counts.append(asyncio.run(count()))
    assert counts == [2, 1, 1, 1]
    now_s = 9.0
    worker.waiting = limits.max_waiting_avatar_pictures
    assert asyncio.run(count()) == 0
    worker.waiting = 0
    assert asyncio.run(count()) == 2
    worker.close()


def test_a_broken_answer_is_told():
    message = rig_frame_pb2.PerformerRig()
    message.avatar_picture.png = b"GIF89a"
    with pytest.raises(InputError, match="a picture of side 0 and 6 bytes, expected"):
        picture_from(message)
