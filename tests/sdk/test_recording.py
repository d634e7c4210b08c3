"""An interruption ends a take and does not lose it; quick files come before previews."""

from pathlib import Path

import numpy as np
import pytest
from support.fake_footage import RATE_HZ, FakeCamera, FakeTracker, fake_file, images

import mien
from mien import recording as recording_module
from mien.errors import InputError
from mien.recording import record
from mien.take import write_take

SPHERE = Path(__file__).parents[1] / "golden" / "sphere.mien"


@pytest.fixture(scope="module")
def character() -> mien.Character:
    return mien.load(SPHERE)


def interrupt_after(count):
    """An `on_frame` that presses Ctrl-C after `count` frames."""
    seen = []

    def on_frame(drive, frame):
        seen.append(frame.time_s)
        if len(seen) == count:
            raise KeyboardInterrupt

    return on_frame


def test_a_file_is_recorded_whole(character, monkeypatch, tmp_path):
    files = tmp_path / "take.csv", tmp_path / "take.npz"
    recording = character.record(fake_file(monkeypatch, 7), *files, tracker=FakeTracker((3,), 0.9))
    assert recording.frames == 7 and recording.written == files
    assert not recording.interrupted and not recording.not_written
    assert recording.statistics.tracked == 6
    assert "7 frames (6 of 7 tracked, presence median 0.90" in str(recording)
    frames = list(character.drive(fake_file(monkeypatch, 7), tracker=FakeTracker((3,), 0.9)))
    clip = mien.Clip.read(tmp_path / "take.npz")
    assert [frame["jawOpen"] for frame in frames] == clip["jawOpen"].tolist()


def test_an_interruption_keeps_what_came_before(character, tmp_path):
    path = tmp_path / "take.npz"
    drive = character.drive(images(100), tracker=FakeTracker())
    recording = record(character, drive, [path], interrupt_after(5))
    assert recording.interrupted and recording.frames == len(mien.Clip.read(path)) == 5
    assert str(recording).startswith("interrupted, kept 5 frames")
    assert list(drive) == []  # closed


def test_an_interruption_while_the_neutral_is_estimated_keeps_what_was_seen(
    character, tmp_path, monkeypatch
):
    class Interrupted(FakeTracker):
        def track(self, image, time_s=None):
            if self.looked == 5:
                raise KeyboardInterrupt
            return super().track(image, time_s)

    path, source = tmp_path / "take.npz", fake_file(monkeypatch, 20)
    recording = character.record(source, path, tracker=Interrupted())
    assert recording.interrupted and recording.frames == len(mien.Clip.read(path)) == 5
    with pytest.raises(KeyboardInterrupt):  # who does not record is interrupted at once
        next(character.drive(source, tracker=Interrupted()))


@pytest.mark.parametrize(("announced", "stride"), [(1008, 2), (None, 2), (3000, 5)])
def test_of_a_long_file_the_images_looked_at_are_kept(
    announced, stride, character, tmp_path, monkeypatch
):
    class Interrupted(FakeTracker):
        def track(self, image, time_s=None):
            if time_s == 900 / RATE_HZ:
                raise KeyboardInterrupt
            return super().track(image, time_s)

    path, source = tmp_path / "take.npz", fake_file(monkeypatch, 1008, announced)
    recording = character.record(source, path, tracker=Interrupted())
    times_s = mien.Clip.read(path).times_s
    np.testing.assert_allclose(times_s, np.arange(0, 900, stride) / RATE_HZ)
    assert recording.interrupted and recording.frames == len(times_s)
    with pytest.raises(KeyboardInterrupt):
        next(character.drive(source, tracker=Interrupted()))


def test_an_interruption_before_the_first_frame_writes_nothing(character, tmp_path, monkeypatch):
    def interrupted(self, layout):
        raise KeyboardInterrupt

    monkeypatch.setattr("mien.tracked_source.TrackedSource.neutral", interrupted)
    drive = character.drive(fake_file(monkeypatch, 3), tracker=FakeTracker())
    recording = record(character, drive, [tmp_path / "take.npz"])
    assert recording.not_written == (tmp_path / "take.npz",) and not list(tmp_path.iterdir())
    assert "interrupted after 0 frames; not written: " in str(recording)


def test_an_interruption_in_a_preview_keeps_the_files_before_it(character, tmp_path, monkeypatch):
    order = []

    def write(path, take):
        order.append(path.suffix)
        if path.suffix == ".png":
            raise KeyboardInterrupt
        if path.suffix != ".glb":
            write_take(path, take)

    monkeypatch.setattr(recording_module, "write_take", write)
    names = ("take.mp4", "take.png", "take.csv", "take.glb", "take.npz")
    paths = [tmp_path / name for name in names]
    recording = character.record(images(3), *paths, tracker=FakeTracker())
    assert order == [".csv", ".glb", ".npz", ".png"]
    assert [path.name for path in recording.not_written] == ["take.mp4", "take.png"]
    assert recording.interrupted and len(mien.Clip.read(tmp_path / "take.csv")) == 3


@pytest.mark.parametrize(("name", "kept"), [("take.npz", 0), ("take.png", 3)])
def test_landmarks_are_kept_only_for_previews(character, tmp_path, monkeypatch, name, kept):
    takes = []
    monkeypatch.setattr(recording_module, "write_take", lambda path, take: takes.append(take))
    character.record(images(3), tmp_path / name, tracker=FakeTracker(without=(1,)))
    assert len(takes[0].landmarks) == kept and len(takes[0].frames) == 3
    if kept:
        assert takes[0].landmarks[0].shape == (478, 2) and takes[0].landmarks[1] is None


def test_a_camera_that_fails_leaves_what_it_gave(character, tmp_path, monkeypatch):
    def unplug():
        raise InputError("camera:0: damaged at frame 9")

    camera = FakeCamera(monkeypatch, until=3, then=unplug)
    path = tmp_path / "take.npz"
    with pytest.raises(InputError, match=r"damaged at frame 9; recorded until then: \d+ frames"):
        character.record("camera:0", path, tracker=camera.tracker)
    assert len(mien.Clip.read(path)) >= 3


def test_a_file_that_is_damaged_leaves_nothing(character, tmp_path, monkeypatch):
    def damaged(source):
        yield from images(3)
        raise InputError("damaged at frame 3")

    fake_file(monkeypatch, 5)
    monkeypatch.setattr("mien.tracked_source.read_frames", damaged)
    with pytest.raises(InputError, match=r"damaged at frame 3$"):
        character.record("fake.mp4", tmp_path / "take.npz", tracker=FakeTracker())
    assert not list(tmp_path.iterdir())


def test_files_are_checked_before_anything_is_read(character):
    for files, message in (((), "no file"), (("x.fbx",), "suffix must be one of")):
        with pytest.raises(InputError, match=message):
            character.record("none.mp4", *files)
