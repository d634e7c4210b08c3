"""Track: images in, the tracker's results and rig frames out."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image
from support.service import NEUTRAL, serving, wait_until_empty
from support.tracked_images import IMAGES, Faces, png, seen_in

from mien.channels import SCORE_NAMES
from mien.errors import InputError
from mien.service.client import connect
from mien.service.limits import Limits
from mien.service.statuses import LimitError
from mien.service.wire import Outputs, TrackOutputs
from mien.session import SessionOptions
from mien.tracker.features import FEATURE_GROUPS, FeatureLayout, driver_features

LAYOUT = FeatureLayout(("scores", "head_rotation"))
pytestmark = pytest.mark.usefixtures("tokens_with_every_answer")


@pytest.fixture
def server(registry):
    with serving(registry, new_tracker=Faces) as running:
        yield running


def test_every_picture_is_answered_once_in_order(server):
    with connect(server.address) as client:
        replies = list(client.track(IMAGES, max_faces=2))
    assert [reply.rig.sequence for reply in replies] == list(range(1, 7))
    for reply, (data, time_s) in zip(replies, IMAGES, strict=True):
        assert (reply.image_size, reply.rig.capture_time_s) == ((32, 24), time_s)
        assert [face.face_id for face in reply.faces] == [0, 1]
        assert not reply.rig.frames and reply.rig.dropped == 0
        for face in reply.faces:
            expected = seen_in(data, face.face_id)
            np.testing.assert_array_equal(face.landmarks, expected.landmarks)
            np.testing.assert_array_equal(face.scores, expected.scores)
            np.testing.assert_array_equal(face.head_rotation_xyzw, expected.head_rotation_xyzw)
            np.testing.assert_array_equal(face.box, expected.box)
            assert face.presence == expected.presence and face.features.size == 0


def test_a_named_character_is_animated_per_face(server, registry):
    from mien.service.async_client import SessionRequest

    request = SessionRequest(neutral={"0": NEUTRAL, "1": NEUTRAL}, outputs=Outputs(vertices=True))
    options = {"max_faces": 2, "character": "Sphere", "request": request}
    with connect(server.address) as client:
        replies = list(client.track(IMAGES, outputs=TrackOutputs(False, False, True), **options))
    character = registry["Sphere"].character
    locals_ = {name: character.session(neutral=NEUTRAL) for name in "01"}
    for reply, (data, time_s) in zip(replies, IMAGES, strict=True):
        assert list(reply.rig.frames) == ["0", "1"] == list(reply.rig.vertices)
        for face in reply.faces:
            track = seen_in(data, face.face_id)
            np.testing.assert_array_equal(face.features, driver_features(track, LAYOUT))
            assert face.landmarks.size == face.scores.size == 0
            frame, name = reply.rig.frames[str(face.face_id)], str(face.face_id)
            expected = locals_[name].step(track, time_s)
            np.testing.assert_allclose(frame.channels, expected.channels, atol=1e-6)
            np.testing.assert_array_equal(frame.head_translation_m, expected.head_translation_m)
            assert frame.confidence == pytest.approx(expected.confidence)


def test_a_lost_face_is_held_and_then_forgotten(registry):
    from mien.service.async_client import SessionRequest

    class Glimpse(Faces):
        def track(self, image, time_s=None):
            return super().track(image) if time_s < 1.05 else []

    character = registry["Sphere"].character
    local = character.session(neutral=NEUTRAL)
    times = [1.0, 1.1, 1.5, 2.5, 3.5]
    request = SessionRequest(neutral={"0": NEUTRAL})
    with serving(registry, new_tracker=Glimpse) as server, connect(server.address) as client:
        replies = list(
            client.track([(IMAGES[0][0], t) for t in times], character="Sphere", request=request)
        )
    assert [len(reply.faces) for reply in replies] == [1, 0, 0, 0, 0]
    for reply, time_s in zip(replies[:4], times[:4], strict=True):
        expected = local.step(seen_in(IMAGES[0][0], 0) if time_s == 1.0 else None, time_s)
        np.testing.assert_allclose(reply.rig.frames["0"].channels, expected.channels, atol=1e-6)
        assert reply.rig.frames["0"].confidence == pytest.approx(expected.confidence)
    assert not replies[4].rig.frames


def test_a_new_face_takes_the_place_of_a_lost_one(registry):
    class Change(Faces):
        def track(self, image, time_s=None):
            return [self.face(0 if time_s < 1.05 else 1, 0)]

    moments = [(IMAGES[0][0], t) for t in (1.0, 1.1, 1.2)]
    with serving(registry, new_tracker=Change) as server, connect(server.address) as client:
        replies = list(client.track(moments, character="Sphere"))
    assert [list(reply.rig.frames) for reply in replies] == [["0"], ["1"], ["1"]]


def in_calibration(**changes):
    from mien.service.async_client import SessionRequest

    return SessionRequest(
        options=SessionOptions(calibration_frames=4),
        outputs=Outputs(resume_token_interval_s=1e-9),
        **changes,
    )


def test_a_session_goes_on_elsewhere(registry):
    """Also in the midst of a calibration; the client's images go on as if nothing had been."""
    character = registry["Sphere"].character
    local = character.session(options=SessionOptions(calibration_frames=4))
    expected = [local.step(seen_in(data, 0), time_s) for data, time_s in IMAGES]
    with serving(registry, new_tracker=Faces) as first, connect(first.address) as client:
        replies = list(client.track(IMAGES[:3], character="Sphere", request=in_calibration()))
    token = replies[-1].rig.resume_token
    assert token
    with serving(registry, new_tracker=Faces) as second, connect(second.address) as client:
        request = in_calibration(resume_token=token)
        replies += list(client.track(IMAGES[3:], character="Sphere", request=request))
    assert [list(reply.rig.frames) for reply in replies] == [["0"]] * len(IMAGES)
    for reply, frame in zip(replies, expected, strict=True):
        np.testing.assert_allclose(reply.rig.frames["0"].channels, frame.channels, atol=1e-6)
        assert reply.rig.frames["0"].confidence == pytest.approx(frame.confidence)


def test_a_continued_session_knows_its_faces_again(registry):
    """Faces 0 and 1 change places in the tracker's order; their numbers stay with the heads."""

    class Swapped(Faces):
        def track(self, image, time_s=None):
            one, two = super().track(image)
            return [dataclasses.replace(one, face_id=0), dataclasses.replace(two, face_id=1)]

    options = {"character": "Sphere", "max_faces": 2}
    still = [(IMAGES[0][0], time_s) for _, time_s in IMAGES]
    with serving(registry, new_tracker=Faces) as first, connect(first.address) as client:
        before = list(client.track(still[:3], request=in_calibration(), **options))
    request = in_calibration(resume_token=before[-1].rig.resume_token)
    with serving(registry, new_tracker=Swapped) as second, connect(second.address) as client:
        after = list(client.track(still[3:], request=request, **options))
    for a, b in zip(before, after, strict=True):
        assert list(b.rig.frames) == ["0", "1"]
        for face, again in zip(a.faces, b.faces, strict=True):
            assert face.face_id == again.face_id
            np.testing.assert_array_equal(face.landmarks, again.landmarks)


def test_a_performer_that_was_lost_goes_on_fading(registry):
    class Nobody(Faces):
        def track(self, image, time_s=None):
            return []

    local = registry["Sphere"].character.session(options=SessionOptions(calibration_frames=4))
    local.step(seen_in(*IMAGES[0][:1], 0), 1.0)
    with serving(registry, new_tracker=Faces) as first, connect(first.address) as client:
        (reply,) = client.track([(IMAGES[0][0], 1.0)], character="Sphere", request=in_calibration())
    request = in_calibration(resume_token=reply.rig.resume_token)
    with serving(registry, new_tracker=Nobody) as second, connect(second.address) as client:
        moments = [(IMAGES[0][0], 1.5)]
        (reply,) = client.track(moments, character="Sphere", request=request)
    np.testing.assert_allclose(
        reply.rig.frames["0"].channels, local.step(None, 1.5).channels, atol=1e-6
    )


def test_tokens_that_tracking_cannot_take(server, registry):
    with connect(server.address) as client:
        with client.session(
            "Sphere",
            options=SessionOptions(calibration_frames=4),
            outputs=Outputs(resume_token_interval_s=1e-9),
        ) as session:
            token = session.exchange({"anna": NEUTRAL}, 1.0).resume_token
        for options, words in (
            ({"request": in_calibration(resume_token=token)}, "name the character"),
            ({"character": "Sphere", "request": in_calibration(resume_token=b"x")}, "not a"),
            ({"character": "Sphere", "request": in_calibration(resume_token=token)}, "'anna'"),
        ):
            with pytest.raises(InputError, match=words):
                list(client.track(IMAGES, **options))
        wait_until_empty(server)
        assert server.limiter.budgets.performers.spent == 0


def test_tokens_that_no_server_would_take_are_not_handed_out(registry):
    limits = Limits(max_message_bytes=2000, max_open_bytes=2500)  # 500 bytes for a token
    with (
        serving(registry, new_tracker=Faces, limits=limits) as server,
        connect(server.address) as client,
    ):
        replies = list(client.track(IMAGES, character="Sphere", request=in_calibration()))
    # While it calibrates, a token holds every frame watched; afterwards the neutral alone.
    handed_out = [bool(reply.rig.resume_token) for reply in replies]
    assert handed_out == [False] * 3 + [True] * 3


def test_images_that_are_decoded_at_one_time_are_limited(registry):
    limits = Limits(max_decoded_bytes=8 * 32 * 24)
    with (
        serving(registry, new_tracker=Faces, limits=limits) as server,
        connect(server.address) as client,
    ):
        assert len(list(client.track(IMAGES))) == len(IMAGES)
        with pytest.raises(LimitError, match="image of 33 x 24 pixels: needs 6336 bytes"):
            list(client.track([(png(size=(33, 24)), 1.0)]))
        assert server.limiter.budgets.decoded_bytes.spent == 0


def test_features_come_in_the_layout_asked_for(server):
    from mien.service.async_client import SessionRequest

    layout = FeatureLayout(("deep", "scores"))
    options = {"outputs": TrackOutputs(False, False, True), "request": SessionRequest(layout)}
    with connect(server.address) as client:
        (reply,) = client.track(IMAGES[:1], **options)
        np.testing.assert_array_equal(
            reply.faces[0].features, driver_features(seen_in(IMAGES[0][0], 0), layout)
        )
        with pytest.raises(InputError, match="name the feature groups"):
            list(client.track(IMAGES, outputs=TrackOutputs(features=True)))
        with pytest.raises(InputError, match=r"takes the feature groups scores \(52\)"):
            list(client.track(IMAGES, character="Sphere", request=SessionRequest(layout)))


def test_scores_are_named(server):
    from mien.service import background
    from mien.service.async_client import AsyncClient

    async def ask(**options):
        async with AsyncClient(server.address) as c, c.tracking(**options) as stream:
            return stream.opened

    assert background.run(ask()).score_names == SCORE_NAMES
    assert background.run(ask(outputs=TrackOutputs(scores=False))).score_names == ()
    assert background.run(ask()).channel_names == ()


@pytest.mark.parametrize(
    ("images", "options", "words"),
    [
        ([(b"no image", 1.0)], {}, "not a valid JPEG or PNG"),
        ([(png(size=(600, 600)), 1.0)], {}, "600 x 600 pixels, at most 65536"),
        ([(b"\0" * 65_536, 1.0)], {}, r"at most 65536 are taken \(RESOURCE_EXHAUSTED"),
        (IMAGES, {"max_faces": 9}, "max_faces is 9, expected 1 to 4"),
        (IMAGES, {"character": "nobody"}, "there is no character 'nobody'"),
        ([IMAGES[0], IMAGES[0]], {}, "must both rise"),
    ],
)
def test_refusals_are_typed_and_the_server_stays_well(registry, images, options, words):
    from mien.errors import MienError

    limits = Limits(max_image_bytes=65_536, max_image_pixels=65_536)
    if "pixels" in words:
        limits = Limits(max_image_pixels=65_536)
    with (
        serving(registry, new_tracker=Faces, limits=limits) as server,
        connect(server.address) as client,
    ):
        with pytest.raises(MienError, match=words):
            list(client.track(images, **options))
        assert len(list(client.track(IMAGES))) == len(IMAGES)
        wait_until_empty(server)


def test_the_real_tracker_on_a_real_face(registry, shared_data):
    from mien.tracker import Tracker

    data = shared_data("images_nasa/astronaut.png").read_bytes()
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    tracker, session = (
        Tracker(),
        registry["Sphere"].character.session(options=SessionOptions(calibration_frames=30)),
    )
    with serving(registry) as server, connect(server.address) as client:
        replies = list(client.track([(data, i / 30) for i in range(3)], character="Sphere"))
    for i, reply in enumerate(replies):
        (expected,) = tracker.track(image)
        (face,) = reply.faces
        np.testing.assert_allclose(face.landmarks, expected.landmarks, atol=1e-3)
        np.testing.assert_allclose(face.scores, expected.scores, atol=1e-5)
        (frame,) = reply.rig.frames.values()
        np.testing.assert_allclose(
            frame.channels, session.step(expected, i / 30).channels, atol=1e-5
        )


def test_the_real_tracker_sees_nobody_in_noise(registry):
    assert sum(FEATURE_GROUPS.values()) == 4049
    with serving(registry) as server, connect(server.address) as client:
        replies = list(client.track(IMAGES[:2], character="Sphere"))
    assert [len(reply.faces) for reply in replies] == [0, 0]
    assert all(not reply.rig.frames for reply in replies)
