"""Footage without pixels: images that carry their number, and a tracker that makes faces of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np

from mien import tracked_source
from mien.tracker.face_track import FaceTrack
from mien.video import VideoFrame

RATE_HZ = 30.0


def face(number: int, presence: float = 1.0) -> FaceTrack:
    """A face whose expression and pose follow from its number."""
    rng = np.random.default_rng(number)
    turn = rng.normal(0, 0.1, 3)
    quaternion = np.array([*turn, 1.0]) / np.sqrt(1 + turn @ turn)
    return FaceTrack(
        face_id=0,
        presence=presence,
        landmarks=rng.random((478, 3), np.float32) * 100,
        scores=rng.random(52, np.float32),
        deep=np.zeros(512, np.float32),
        deep_map=np.zeros(2048, np.float32),
        head_rotation_xyzw=quaternion.astype(np.float32),
        head_translation_m=np.array([0.0, 0.0, -0.5], np.float32),
        box=np.zeros(4, np.float32),
    )


def images(count: int) -> Iterator[VideoFrame]:
    """`count` images at RATE_HZ; the first pixels hold the number."""
    for index in range(count):
        image = np.zeros((1, 2, 3), np.uint8)
        image[0, 0, 0], image[0, 1, 0] = divmod(index, 256)
        yield VideoFrame(index, index / RATE_HZ, image)


class FakeTracker:
    """Has the interface of mien.Tracker; `without` are numbers of images without a face."""

    def __init__(self, without: tuple[int, ...] = (), presence: float = 1.0) -> None:
        self.without, self.presence = without, presence
        self.looked = 0

    def reset(self) -> None:
        pass

    def track(self, image: np.ndarray, time_s: float | None = None) -> list[FaceTrack]:
        self.looked += 1
        number = int(image[0, 0, 0]) * 256 + int(image[0, 1, 0])
        return [] if number in self.without else [face(number, self.presence)]


def fake_file(monkeypatch, count: int, announced: int | None = -1) -> str:
    """Every source is `count` images from now on; `announced`: what count_frames says."""
    monkeypatch.setattr(tracked_source, "read_frames", lambda source: images(count))
    said = count if announced == -1 else announced
    monkeypatch.setattr(tracked_source, "count_frames", lambda source: said)
    return "fake.mp4"


class FakeCamera:
    """Delivers images until it is closed; fails or calls `then` once `until` were looked at."""

    def __init__(self, monkeypatch, until: int, then) -> None:
        self.closed = threading.Event()
        self._until, self._then = until, then
        monkeypatch.setattr(tracked_source, "read_frames", lambda source: self._images())
        self.tracker = FakeTracker()

    def _images(self) -> Iterator[VideoFrame]:
        done = False
        try:
            for frame in images(60_000):
                if self.tracker.looked >= self._until and not done:
                    done = True
                    self._then()
                self.closed.wait(0.002)
                yield frame
        finally:
            self.closed.set()
