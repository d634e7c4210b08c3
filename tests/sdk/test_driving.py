"""A character is driven image by image, in constant memory, here or by any other performer."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.fake_footage import FakeCamera, FakeTracker, face, fake_file, images

import mien
from mien.errors import InputError, MienError
from mien.tracked_source import TrackedSource, neutral_of_tracks
from mien.tracker.features import driver_features

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def character() -> mien.Character:
    return mien.load(GOLDEN / "sphere.mien")


def test_the_five_lines(character, tmp_path):
    weights = [frame.weights for frame in character.drive(GOLDEN / "astronaut.jpg")]
    assert [set(names) for names in weights] == [set(character.channel_names)]
    character.record(GOLDEN / "astronaut.jpg", tmp_path / "take.csv")
    assert len(mien.Clip.read(tmp_path / "take.csv")) == 1


def test_a_file_is_driven_from_the_neutral_of_all_its_images(character, monkeypatch):
    source = fake_file(monkeypatch, 20)
    frames = list(character.drive(source, tracker=FakeTracker(without=(2,))))
    tracks = [None if i == 2 else face(i) for i in range(20)]
    session = character.session(neutral_of_tracks(tracks, character.layout))
    for i, (frame, track) in enumerate(zip(frames, tracks, strict=True)):
        expected = session.step(track, i / 30)
        np.testing.assert_array_equal(frame.channels, expected.channels)
        assert frame.time_s == expected.time_s and frame.confidence == expected.confidence
    assert frames[2].confidence < frames[1].confidence == 1


def test_other_images_calibrate_live(character):
    frames = list(character.drive(images(40), tracker=FakeTracker()))
    assert frames[2].confidence == pytest.approx(3 / 30) and frames[-1].confidence == 1
    known = list(character.drive(images(2), tracker=FakeTracker(), neutral=np.zeros(55)))
    assert known[0].confidence == 1


def test_memory_does_not_grow_with_the_frames(character):
    drive = character.drive(images(800), tracker=FakeTracker(), neutral=np.zeros(55))
    tracemalloc.start()
    for _ in range(200):
        next(drive)
    early = tracemalloc.get_traced_memory()[0]
    assert sum(1 for _ in drive) == 600
    late = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert late < early + 20_000
    assert drive.statistics.frames == drive.statistics.tracked == 800


def test_a_camera_gives_its_latest_image_until_it_is_closed(character, monkeypatch):
    camera = FakeCamera(monkeypatch, until=60_000, then=lambda: None)
    with character.drive("camera:0", tracker=camera.tracker) as drive:
        times = [next(drive).time_s for _ in range(4)]
        assert drive.live and drive.latency_s > 0
        numbers = [round(time_s * 30) for time_s in times]
        assert numbers == sorted(set(numbers))
        # Every image was tracked, or dropped and counted.
        assert numbers[-1] + 1 == drive.statistics.frames + drive.statistics.dropped
    assert camera.closed.is_set()
    assert list(drive) == []
    drive.close()


class Recorder:
    """A performer that notes what it is told."""

    def __init__(self, session):
        self.session, self.calls = session, []
        self.layout, self.channel_names = session.layout, session.channel_names

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def step(self, seen, time_s, *, presence=1.0, head_translation_m=None):
        self.calls.append("step")
        return self.session.step(
            seen, time_s, presence=presence, head_translation_m=head_translation_m
        )

    def calibrate(self, neutral=None, frames=None):
        self.calls.append("calibrate")
        self.session.calibrate(neutral, frames)

    def close(self):
        self.calls.append("close")


def test_any_performer_takes_the_steps(character, monkeypatch):
    performer = Recorder(character.session())
    assert isinstance(performer, mien.Performer)
    assert isinstance(character.session(), mien.Performer)
    source = fake_file(monkeypatch, 5)
    here = list(character.drive(source, tracker=FakeTracker()))
    there = list(character.drive(source, tracker=FakeTracker(), performer=performer))
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
    assert performer.calls == ["calibrate", *["step"] * 5]  # it is the caller's to close


def test_a_source_that_is_set_up_drives_with_its_own_tracker(character, monkeypatch):
    source = fake_file(monkeypatch, 5)
    tracked = TrackedSource(source, FakeTracker(), limit=4)
    expected = character.drive(source, tracker=FakeTracker(), limit=4)
    for one, other in zip(character.drive(tracked), expected, strict=True):
        np.testing.assert_array_equal(one.channels, other.channels)
    for known in ({"tracker": FakeTracker()}, {"limit": 2}):
        with pytest.raises(InputError, match="TrackedSource has its own tracker and limit"):
            character.drive(tracked, **known)


def test_a_clip_drives_with_its_own_channels(character, tmp_path):
    clip = mien.Clip(("jawOpen",), np.array([0.0, 0.1, 0.2]), np.array([[0.1], [0.2], [0.3]]))
    clip.write(tmp_path / "clip.npz")
    for source in (clip, tmp_path / "clip.npz", str(tmp_path / "clip.npz")):
        drive = character.drive(source, limit=2)
        assert [round(frame["jawOpen"], 3) for frame in drive] == [0.1, 0.2]
        assert drive.seen is None and drive.statistics.frames == 0
    with pytest.raises(InputError, match="neutral goes with images"):
        character.drive(clip, neutral=np.zeros(55))


def test_calls_that_cannot_be_right_are_refused(character):
    with pytest.raises(InputError, match="the performer has its own"):
        character.drive(images(1), performer=character.session(), options=mien.SessionOptions())
    with pytest.raises(InputError, match="needs the driver's neutral"):
        character.drive(images(1), options=mien.SessionOptions(calibration_frames=0))
    with pytest.raises(InputError, match="no such file"):
        character.drive("none.mp4")


def test_a_file_without_a_face_says_so(character, monkeypatch):
    drive = character.drive(fake_file(monkeypatch, 3), tracker=FakeTracker(without=(0, 1, 2)))
    with pytest.raises(MienError, match="any of the 3 driving frames"):
        next(drive)


def test_features_are_those_of_the_tracker(character):
    tracks = [face(0)]
    neutral = neutral_of_tracks(tracks, character.layout)
    np.testing.assert_allclose(neutral, driver_features(tracks[0], character.layout), atol=1e-6)
