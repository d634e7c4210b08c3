"""Tracking: ids, loss and return, several faces, small faces, real video."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import InputError, MissingExtraError
from mien.rotation import yaw_pitch_roll_from_quaternion
from mien.tracker import Tracker
from mien.video import demo_video, read_frames

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def face() -> Image.Image:
    return Image.open(GOLDEN / "astronaut.jpg").convert("RGB")


def scene(size: tuple[int, int], *faces: tuple[Image.Image, int, int]) -> np.ndarray:
    """A grey picture with faces pasted at (left, top)."""
    picture = Image.new("RGB", size, (110, 115, 120))
    for image, left, top in faces:
        picture.paste(image, (left, top))
    return np.asarray(picture)


def test_following_agrees_with_finding(face: Image.Image) -> None:
    tracker = Tracker()
    (found,) = tracker.track(np.asarray(face))
    (followed,) = tracker.track(np.asarray(face))
    assert np.abs(found.landmarks - followed.landmarks)[:, :2].max() < 0.5
    assert found.face_id == followed.face_id == 0


def test_the_same_frames_give_the_same_tracks(face: Image.Image) -> None:
    tracker = Tracker()
    first = [tracker.track(np.asarray(face))[0].landmarks for _ in range(3)]
    tracker.reset()
    for landmarks in first:
        np.testing.assert_array_equal(tracker.track(np.asarray(face))[0].landmarks, landmarks)


def test_a_moving_face_is_followed_and_keeps_its_id(face: Image.Image) -> None:
    tracker = Tracker()
    positions, ids = [], set()
    for step in range(8):
        (track,) = tracker.track(scene((500, 300), (face, 10 + 25 * step, 20)))
        positions.append(track.landmarks[:, :2].mean(axis=0))
        ids.add(track.face_id)
    assert ids == {0}
    np.testing.assert_allclose(np.diff(positions, axis=0), [[25, 0]] * 7, atol=0.7)


def test_a_face_that_leaves_and_returns_keeps_its_id(face: Image.Image) -> None:
    tracker = Tracker()
    here = scene((500, 300), (face, 10, 20))
    empty = scene((500, 300))
    assert [t.face_id for t in tracker.track(here)] == [0]
    assert tracker.track(empty) == []
    assert tracker.track(empty) == []
    assert [t.face_id for t in tracker.track(here)] == [0]
    elsewhere = scene((500, 300), (face, 240, 40))
    tracker.track(empty)
    assert [t.face_id for t in tracker.track(elsewhere)] == [1]


def test_two_faces_keep_their_ids_while_they_move(face: Image.Image) -> None:
    small = face.resize((200, 200), Image.Resampling.LANCZOS)
    mirrored = small.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tracker = Tracker(max_faces=3)
    seen = []
    for step in range(5):
        faces = (small, 20 + 6 * step, 30), (mirrored, 260 - 6 * step, 50)
        tracks = tracker.track(scene((480, 300), *faces))
        seen.append({t.face_id: t.landmarks[:, 0].mean() for t in tracks})
    assert all(set(places) == {0, 1} for places in seen)
    for face_id in (0, 1):
        steps = np.diff([places[face_id] for places in seen])
        assert (np.abs(np.abs(steps) - 6) < 1.5).all()
        assert len(set(np.sign(steps))) == 1


def test_no_more_faces_than_asked_for(face: Image.Image) -> None:
    small = face.resize((200, 200), Image.Resampling.LANCZOS)
    image = scene((480, 300), (small, 10, 30), (small, 260, 50))
    assert len(Tracker(max_faces=1).track(image)) == 1
    assert len(Tracker(max_faces=2).track(image)) == 2


def test_a_small_face_in_a_large_frame_is_tracked(face: Image.Image) -> None:
    tracker = Tracker()
    small = face.resize((160, 160), Image.Resampling.LANCZOS)
    image = scene((1920, 1080), (small, 1500, 200))
    (track,) = tracker.track(image)
    np.testing.assert_allclose(track.landmarks[:, :2].mean(axis=0), [1581, 281], atol=15)
    assert tracker.track(image)[0].presence > 0.9


@pytest.mark.parametrize(("share", "found"), [(0.06, 6), (0.02, 0)])
def test_the_smallest_face_is_the_documented_one(share, found, shared_data) -> None:
    """77 of 1280 pixels are enough at any place, 26 are not."""
    picture = Image.open(shared_data("images_nasa/astronaut.png")).convert("RGB")
    left, top, right, bottom = 180, 70, 272, 179  # of her landmarks
    scale = share * 1280 / (bottom - top)
    small = picture.resize((round(512 * scale),) * 2, Image.Resampling.LANCZOS)
    rng, seen = np.random.default_rng(1), 0
    for _ in range(6):
        x = int(rng.uniform(0, 1280 - 120) - left * scale)
        y = int(rng.uniform(0, 720 - 120) - top * scale)
        for track in Tracker().track(scene((1280, 720), (small, x, y))):
            centre = track.box.reshape(2, 2).mean(axis=0)
            expected = x + scale * (left + right) / 2, y + scale * (top + bottom) / 2
            seen += np.abs(centre - expected).max() < 0.25 * scale * (bottom - top)
    assert seen == found


def test_small_and_unsure_faces_can_be_refused(face: Image.Image) -> None:
    image = scene((960, 540), (face.resize((180, 180), Image.Resampling.LANCZOS), 500, 200))
    (track,) = Tracker().track(image)
    share = (track.box[2:] - track.box[:2]).max() / 960
    assert len(Tracker(min_face=share - 0.01).track(image)) == 1
    tracker = Tracker(min_face=share + 0.01)
    assert tracker.track(image) == [] == tracker.track(image)
    half = np.array(face)
    half[:, 119:] = 110
    (unsure,) = Tracker(min_presence=0.0).track(half)
    assert unsure.presence < 0.5 and Tracker().track(half) == []
    assert Tracker(min_presence=unsure.presence + 1e-3).track(half) == []


def test_a_change_of_size_starts_afresh(face: Image.Image) -> None:
    tracker = Tracker()
    tracker.track(np.asarray(face))
    (track,) = tracker.track(np.asarray(face.resize((400, 400))))
    assert 150 < track.landmarks[4, 0] < 250


def test_wrong_calls_are_refused(face: Image.Image) -> None:
    with pytest.raises(InputError, match="max_faces"):
        Tracker(max_faces=0)
    with pytest.raises(InputError, match=r"min_face is 1\.5"):
        Tracker(min_face=1.5)
    with pytest.raises(InputError, match="min_presence is nan"):
        Tracker(min_presence=np.nan)
    with pytest.raises(MissingExtraError, match=r"mien\[gpu\]"):
        Tracker(providers="cuda")
    with pytest.raises(InputError, match="uint8"):
        Tracker().track(np.asarray(face).astype(np.float32))  # type: ignore[arg-type]


def test_a_real_talking_man_is_tracked_through_every_frame() -> None:
    try:
        video = demo_video()
    except MissingExtraError as error:
        pytest.skip(str(error))
    tracker = Tracker()
    tracks = []
    for frame in read_frames(video):
        faces = tracker.track(frame.image, frame.time_s)
        assert len(faces) == 1, frame.index
        tracks.append(faces[0])
    assert len(tracks) == 120
    assert {track.face_id for track in tracks} == {0}
    assert min(track.presence for track in tracks) > 0.99
    steps = np.diff([track.landmarks[:, :2].mean(axis=0) for track in tracks], axis=0)
    assert np.abs(steps).max() < 8  # pixels; no jump to something else
    from mien.channels import SCORE_NAMES

    scores = np.array([track.scores for track in tracks])
    assert scores[:, SCORE_NAMES.index("jawOpen")].max() > 0.4  # he opens his mouth
    assert scores[:, SCORE_NAMES.index("eyeBlinkLeft")].max() > 0.3  # and blinks


def test_turns_of_a_real_head_are_measured_in_full(shared_data) -> None:
    """Views of a head scan from known cameras: every one found, yaw not flattened."""
    folder = shared_data("headscan_lps_views")
    cameras = json.loads((folder / "cameras.json").read_text())["cameras"]
    assert len(cameras) == 9
    for camera in cameras:
        image = np.asarray(Image.open(folder / camera["image"]).convert("RGB"))
        (track,) = Tracker(focal_px=camera["K"][0][0]).track(image)
        yaw, pitch, _ = np.degrees(yaw_pitch_roll_from_quaternion(track.head_rotation_xyzw))
        turn = abs(camera["yaw_deg"])
        # Live Link's yaw is positive towards the head's own right, these are towards its left.
        assert abs(-yaw - camera["yaw_deg"]) < {0: 2, 20: 2, 40: 6, 60: 13}[turn]
        # The camera above the head sees it nod.
        assert abs(-pitch + camera["pitch_deg"]) < 4 or turn == 60
