"""Footage, a camera or a clip drives a character: one Frame per image, as it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from mien.clip import Clip
from mien.frame import Frame, frames_from_clip
from mien.observation import Source
from mien.score_agreement import ScoreAgreement
from mien.tracked_source import SeenFrame, TrackedSource
from mien.tracking_statistics import TrackingStatistics

__all__ = ["Drive", "drive_from_clip", "drive_from_images"]

_Moments = Generator[tuple[SeenFrame | None, Frame], None, None]


class Drive(Iterator[Frame]):
    """The frames of a driven character, made by `Character.drive` as they are asked for.

    Memory does not grow with the number of frames. `close`, or the end of a `with` block, releases
    camera and thread; so does the end of the frames.

    >>> with mien.load(SPHERE).drive([(ASTRONAUT, 0.0), (ASTRONAUT, 0.1)]) as drive:
    ...     frames = [frame.time_s for frame in drive]
    >>> frames, drive.statistics.tracked
    ([0.0, 0.1], 2)
    """

    def __init__(self, moments: _Moments, name: str, source: TrackedSource | None = None) -> None:
        self._moments = moments
        self.source = source
        """Where the images come from; None for a clip."""
        self.name = name
        """The source, as it was named."""
        self.live = source is not None and not source.from_file
        """Whether images that nobody takes are lost, as a camera's are."""
        self.seen: SeenFrame | None = None
        """The image behind the last frame; None before the first, and for a clip."""
        self.statistics = TrackingStatistics()
        """Of the images so far."""
        self.agreement: ScoreAgreement | None = None
        """Of the channels with the tracker's scores; None before the first face, and for a clip."""
        self.latency_s = 0.0
        """From the last image's arrival to its frame, seconds; 0 for a clip."""

    def __iter__(self) -> Drive:
        return self

    def __next__(self) -> Frame:
        self.seen, frame = next(self._moments)
        if self.seen is not None:
            self.statistics.add(None if self.seen.track is None else self.seen.track.presence)
            if self.seen.track is not None:
                if self.agreement is None:
                    self.agreement = ScoreAgreement(frame.channel_names)
                self.agreement.add(self.seen.track.scores, frame.channels)
            self.statistics.dropped = self.seen.dropped
            self.latency_s = time.perf_counter() - self.seen.captured_s
        return frame

    def __enter__(self) -> Drive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the source; no frames come any more. Closing twice is fine.

        >>> drive = mien.load(SPHERE).drive([(ASTRONAUT, 0.0), (ASTRONAUT, 0.1)])
        >>> first = next(drive)
        >>> drive.close()
        >>> list(drive)
        []
        """
        self._moments.close()


def drive_from_clip(
    clip: Clip, channel_names: Sequence[str], name: str, limit: int | None = None,
    detail: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
) -> Drive:  # fmt: skip
    """The clip's own channels, by name, as frames; channels that the clip lacks stay 0. detail:
    wrinkle weights (R,) of channels (C,)."""

    def moments() -> _Moments:
        for index, frame in enumerate(frames_from_clip(clip, channel_names)):
            if index == limit:
                return
            if detail is not None:
                frame = replace(frame, detail=detail(frame.channels))
            yield None, frame

    return Drive(moments(), name)


def drive_from_images(
    source: TrackedSource,
    open_performer: Callable[[], tuple[Callable[[Source, float], Frame], Callable[[], None]]],
) -> Drive:
    """A frame per image. `open_performer` is called before the first: (its step, what ends it)."""

    def moments() -> _Moments:
        step, end = open_performer()
        try:
            with closing(cast(Any, iter(source))) as images:
                for seen in images:
                    yield seen, step(seen.track, seen.time_s)
        finally:
            end()

    return Drive(moments(), source.name, source)
