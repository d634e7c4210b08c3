"""Footage or a clip drives a character: track, take a neutral, step, one Frame per image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.clip import Clip
from mien.errors import MienError
from mien.tracker import FaceTrack, Tracker
from mien.tracker.features import FeatureLayout, calmest, driver_features
from mien.video import VideoFrame, count_frames, read_frames

if TYPE_CHECKING:
    from mien.character import Character
    from mien.session import Frame

__all__ = ["SeenFrame", "drive", "drive_with_clip", "neutral_of", "watch"]


@dataclass(frozen=True, eq=False)
class SeenFrame:
    """One driving image's time, size and the face in it."""

    time_s: float
    image_size: tuple[int, int]
    """(width, height), pixels."""
    track: FaceTrack | None


def watch(source: str, limit: int | None = None, progress: bool = True) -> Iterator[SeenFrame]:
    """Track one face through a video, image folder, image or camera, with a progress bar."""
    from rich.console import Console
    from rich.progress import track as progress_bar

    tracker = Tracker(max_faces=1)
    frames = read_frames(source)
    total = count_frames(source)
    if limit is not None:
        total = limit if total is None else min(limit, total)
    bar: Iterable[VideoFrame] = progress_bar(
        frames, "tracking", total=total, console=Console(stderr=True), disable=not progress
    )
    for index, frame in enumerate(bar):
        if limit is not None and index >= limit:
            return
        faces = tracker.track(frame.image, frame.time_s)
        height, width = frame.image.shape[:2]
        yield SeenFrame(frame.time_s, (width, height), faces[0] if faces else None)


def neutral_of(tracks: Sequence[FaceTrack | None], layout: FeatureLayout) -> NDArray[np.float32]:
    """(F,) features of the driver's neutral face: the calmest frontal frames of a recording.

    Raises MienError when no frame shows a face.
    """
    features = [driver_features(track, layout) for track in tracks if track is not None]
    if not features:
        raise MienError(f"no face was found in any of the {len(tracks)} driving frames")
    return calmest(np.stack(features), layout)


def drive(
    character: Character, seen: Sequence[SeenFrame], neutral: NDArray[np.float32] | None = None
) -> tuple[Frame, ...]:
    """One Frame per driving image. Without `neutral` the recording's own calmest frames give it."""
    if neutral is None:
        neutral = neutral_of([frame.track for frame in seen], character.layout)
    session = character.session(neutral=neutral)
    return tuple(session.step(frame.track, frame.time_s) for frame in seen)


def drive_with_clip(character: Character, clip: Clip) -> tuple[Frame, ...]:
    """The clip's own channels, by name, as Frames; channels that the clip lacks stay 0."""
    from mien.session import frames_from_clip

    return frames_from_clip(clip, character.channel_names)
