"""Where a driver's face comes from: footage, cameras and images, tracked as they are asked for."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError, MienError
from mien.latest import LatestReader
from mien.tracker import FaceTrack, Tracker
from mien.tracker.features import FeatureLayout, driver_features, estimate_neutral
from mien.video import VideoFrame, count_frames, is_camera, read_frames

__all__ = [
    "NEUTRAL_FRAMES",
    "ImageSource",
    "SeenFrame",
    "TrackedSource",
    "neutral_of_tracks",
    "track_video",
]

NEUTRAL_FRAMES = 600
"""From so many images at most, evenly spread over a file, the driver's neutral is estimated."""

ImageSource = str | os.PathLike[str] | Iterable[VideoFrame | tuple[NDArray[np.uint8], float]]
"""Video file, image folder, image, "camera:N"; or an iterable of images (H, W, 3) uint8 RGB, each
with its time in seconds."""


@dataclass(frozen=True, eq=False)
class SeenFrame:
    """One driving image's time, size and the face in it."""

    time_s: float
    image_size: tuple[int, int]
    """(width, height), pixels."""
    track: FaceTrack | None
    captured_s: float = 0.0
    """When the image came, seconds of time.perf_counter()."""
    dropped: int = 0
    """Images of a camera that were left out so far."""


class TrackedSource:
    """A source's images in order, one face tracked through them.

    Files may be iterated again; of a camera the latest image wins, and what came in between is
    counted. Nothing is kept but what `neutral` has looked at.
    """

    def __init__(
        self,
        source: ImageSource,
        tracker: Tracker | None = None,
        limit: int | None = None,
        on_image: Callable[[SeenFrame], None] | None = None,
    ) -> None:
        """`limit`: stop after so many images; `on_image`: told of each image when it is tracked.

        Raises InputError for a file that is missing or unreadable, and a limit below 1.
        """
        if limit is not None and limit < 1:
            raise InputError(f"limit is {limit}, expected 1 or more")
        self.source = source
        self.tracker = tracker or Tracker()
        self.limit = limit
        self.count: int | None = None
        """How many images there are; None where only reading tells."""
        self.from_file = isinstance(source, (str, os.PathLike)) and not is_camera(source)
        """Whether the images can be read again, and waiting for them costs nothing."""
        if self.from_file:
            self.count = count_frames(os.fspath(source))  # type: ignore[arg-type]
        if limit is not None and self.from_file:
            self.count = limit if self.count is None else min(limit, self.count)
        self.keeps_interrupted = False
        """Whether Ctrl-C while `neutral` looks at the images waits until those seen are handed out
        (of a long file an even selection): set by who records, so that they are not lost."""
        self._interrupted = False
        self._on_image = on_image
        self._kept: list[SeenFrame] | None = None

    @property
    def name(self) -> str:
        """The source, as it was named."""
        return str(self.source) if isinstance(self.source, (str, os.PathLike)) else "images"

    def neutral(self, layout: FeatureLayout) -> NDArray[np.float32]:
        """(F,) features of the driver's neutral face, estimated from a file before it is driven.

        Up to NEUTRAL_FRAMES images all are used, and kept, so nothing is tracked twice; of a longer
        file an even selection of NEUTRAL_FRAMES / 2 to NEUTRAL_FRAMES. Raises MienError when no
        face is found, InputError for a camera, whose images cannot be read twice.
        """
        if not self.from_file:
            raise InputError(f"{self.name}: a live source has no images to look at beforehand")
        stride = 1 if self.count is None else max(-(-self.count // NEUTRAL_FRAMES), 1)
        seen: list[SeenFrame] = []
        self.tracker.reset()
        try:
            with closing(self._images()) as images:
                for index, (image, captured_s) in enumerate(images):
                    if index % stride:
                        continue
                    if len(seen) == NEUTRAL_FRAMES:
                        seen, stride = seen[::2], 2 * stride
                        if index % stride:
                            continue
                    seen.append(self._see(image, captured_s, 0))
        except KeyboardInterrupt:
            if not self.keeps_interrupted or all(frame.track is None for frame in seen):
                raise
            self._interrupted = True
        if stride == 1 or self._interrupted:
            self._kept = seen
        return neutral_of_tracks([frame.track for frame in seen], layout)

    def __iter__(self) -> Iterator[SeenFrame]:
        """Close the iterator to release a camera before its end."""
        if self._kept is not None:
            for seen in self._kept:
                yield replace(seen, captured_s=time.perf_counter())
            if self._interrupted:
                raise KeyboardInterrupt
            return
        self.tracker.reset()
        if not (isinstance(self.source, (str, os.PathLike)) and is_camera(self.source)):
            with closing(self._images()) as images:
                for image, captured_s in images:
                    yield self._see(image, captured_s, 0)
            return
        with closing(LatestReader(read_frames(self.source))) as latest:
            for image, captured_s, dropped in islice(latest, self.limit):
                yield self._see(image, captured_s, dropped)

    def _images(self) -> Any:
        """Generator of (image, when it came)."""
        if isinstance(self.source, (str, os.PathLike)):
            frames: Iterator[Any] = read_frames(self.source)
        else:
            frames = iter(self.source)
        for frame in islice(frames, self.limit):
            if not isinstance(frame, VideoFrame):
                try:
                    image, time_s = frame
                except (TypeError, ValueError):
                    raise InputError(
                        f"images: got {type(frame).__name__}, expected (image, time_s)"
                    ) from None
                frame = VideoFrame(0, float(time_s), np.asarray(image))
            yield frame, time.perf_counter()

    def _see(self, image: VideoFrame, captured_s: float, dropped: int) -> SeenFrame:
        faces = self.tracker.track(image.image, image.time_s)
        height, width = image.image.shape[:2]
        track = faces[0] if faces else None
        seen = SeenFrame(image.time_s, (width, height), track, captured_s, dropped)
        if self._on_image is not None:
            self._on_image(seen)
        return seen


def track_video(source: ImageSource, limit: int | None = None) -> Iterator[SeenFrame]:
    """One face tracked through a source's images, as they are asked for."""
    return iter(TrackedSource(source, limit=limit))


def neutral_of_tracks(tracks: list[FaceTrack | None], layout: FeatureLayout) -> NDArray[np.float32]:
    """(F,) features of the driver's neutral face: the least expressive frontal frames of all.

    Raises MienError when no frame shows a face.
    """
    features = [driver_features(track, layout) for track in tracks if track is not None]
    if not features:
        raise MienError(f"no face was found in any of the {len(tracks)} driving frames")
    return estimate_neutral(np.stack(features), layout)
