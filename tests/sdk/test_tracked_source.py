"""Footage is tracked once, in bounded memory, and its neutral is what all images would give."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.fake_footage import FakeCamera, FakeTracker, face, fake_file, images

from mien.errors import InputError, MienError
from mien.tracked_source import (
    NEUTRAL_FRAMES,
    TrackedSource,
    neutral_of_tracks,
    track_video,
)
from mien.tracker.features import FeatureLayout, driver_features

ASTRONAUT = Path(__file__).parents[1] / "golden" / "astronaut.jpg"
LAYOUT = FeatureLayout(("scores", "head_rotation"))


def test_a_picture_is_one_seen_face():
    (seen,) = track_video(ASTRONAUT)
    assert seen.track is not None and seen.track.presence > 0.9
    neutral = neutral_of_tracks([seen.track, None], LAYOUT)
    np.testing.assert_allclose(neutral, driver_features(seen.track, LAYOUT), atol=1e-6)


def test_no_face_is_an_error_that_counts():
    with pytest.raises(MienError, match="any of the 2 driving frames"):
        neutral_of_tracks([None, None], LAYOUT)


@pytest.mark.parametrize("announced", [NEUTRAL_FRAMES, None])
def test_a_short_file_is_tracked_once_and_every_image_counts(monkeypatch, announced):
    tracker = FakeTracker(without=(3,))
    source = TrackedSource(fake_file(monkeypatch, NEUTRAL_FRAMES, announced), tracker)
    neutral = source.neutral(LAYOUT)
    seen = list(source)
    assert tracker.looked == len(seen) == NEUTRAL_FRAMES
    assert seen[3].track is None
    np.testing.assert_array_equal(neutral, neutral_of_tracks([s.track for s in seen], LAYOUT))


@pytest.mark.parametrize("announced", [3000, None, 100])
def test_of_a_long_file_an_even_selection_counts(monkeypatch, announced):
    tracker = FakeTracker()
    source = TrackedSource(fake_file(monkeypatch, 3000, announced), tracker)
    tracemalloc.start()
    neutral = source.neutral(LAYOUT)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    stride = 5 if announced == 3000 else 8
    expected = neutral_of_tracks([face(i) for i in range(0, 3000, stride)], LAYOUT)
    np.testing.assert_array_equal(neutral, expected)
    assert peak < 1.3 * NEUTRAL_FRAMES * sum(a.nbytes for a in vars(face(0)).values()
                                             if isinstance(a, np.ndarray))  # fmt: skip
    assert len(list(source)) == 3000


def test_a_limit_bounds_the_neutral_too(monkeypatch):
    tracker = FakeTracker()
    source = TrackedSource(fake_file(monkeypatch, 50), tracker, limit=4)
    neutral = source.neutral(LAYOUT)
    assert source.count == len(list(source)) == tracker.looked == 4
    expected = neutral_of_tracks([face(i) for i in range(4)], LAYOUT)
    np.testing.assert_array_equal(neutral, expected)


def test_images_of_the_callers_own():
    pairs = [(frame.image, frame.time_s) for frame in images(3)]
    for source in (images(3), iter(pairs)):
        tracked = TrackedSource(source, FakeTracker())
        assert [seen.time_s for seen in tracked] == [0, 1 / 30, 2 / 30]
    with pytest.raises(InputError, match="live source"):
        tracked.neutral(LAYOUT)
    with pytest.raises(InputError, match=r"got int, expected \(image, time_s\)"):
        list(TrackedSource([7], FakeTracker()))


def test_closing_releases_the_camera(monkeypatch):
    camera = FakeCamera(monkeypatch, until=60_000, then=lambda: None)
    told = []
    source = TrackedSource("camera:0", camera.tracker, on_image=told.append)
    assert not source.from_file and source.count is None
    seen = iter(source)
    first, second = next(seen), next(seen)
    assert first.time_s < second.time_s and told == [first, second]
    assert not camera.closed.is_set()
    seen.close()
    assert camera.closed.is_set()


def test_wrong_sources_are_refused_at_the_call():
    with pytest.raises(InputError, match="no such file"):
        TrackedSource("nowhere.mp4", FakeTracker())
    with pytest.raises(InputError, match="limit is 0"):
        TrackedSource(ASTRONAUT, FakeTracker(), limit=0)
