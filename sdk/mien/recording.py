"""Recording a driven character: an interruption ends the take, it does not lose it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.driving import Drive
from mien.errors import InputError, MienError
from mien.frame import Frame
from mien.frame_table import FrameTable
from mien.take import Rigged, Take, check_takes, is_preview, write_order, write_take
from mien.tracking_statistics import TrackingStatistics

__all__ = ["Recording", "record"]


@dataclass(frozen=True, eq=False)
class Recording:
    """What was recorded, and which files hold it; made by `Character.record`.

    >>> recording = mien.load(SPHERE).record(TAKE, FOLDER / "take.csv")
    >>> recording.frames, recording.interrupted, recording.written[0].name
    (2, False, 'take.csv')
    """

    frames: int
    statistics: TrackingStatistics
    """Of the driving images; nothing in it when a clip drove."""
    contradicted: dict[str, float]
    """Channels that moved against the tracker's scores, and their correlation with them."""
    interrupted: bool
    """Whether Ctrl-C ended it, while recording or while writing."""
    written: tuple[Path, ...]
    """Complete files."""
    not_written: tuple[Path, ...]
    """Files that an interruption left out."""

    def __str__(self) -> str:
        text = f"{self.frames} frames"
        if self.statistics.frames:
            text += f" ({self.statistics})"
        if self.written:
            text += f" -> {', '.join(map(str, self.written))}"
        if self.interrupted:
            text = f"interrupted, kept {text}" if self.written else f"interrupted after {text}"
        if self.not_written:
            text += f"; not written: {', '.join(map(str, self.not_written))}"
        if self.contradicted:
            against = ", ".join(f"{name} ({r:.2f})" for name, r in self.contradicted.items())
            text += f"; against the tracker's scores (correlation): {against}"
        return text


def check_avatar_previews(character: Rigged, paths: Sequence[Path]) -> None:
    """Raises InputError where the avatar is wanted and no preview is among the files, or the
    character has none; MissingExtraError where it cannot be drawn."""
    if not any(is_preview(path) for path in paths):
        raise InputError(
            "the avatar is shown in previews: name a file ending in .mp4, .gif or .png to write"
        )
    character.avatar()
    from mien.avatar.playback.splat_avatar import require_drawing

    require_drawing()


def record(
    character: Rigged,
    drive: Drive,
    files: Sequence[str | os.PathLike[str]],
    on_frame: Callable[[Drive, Frame], None] | None = None,
    avatar: bool = False,
) -> Recording:
    """Take every frame of `drive`, close it, and write `files` by their suffixes.

    Ctrl-C ends the recording; what came before it is written, previews last. A second one leaves
    out the files that are not written yet. When a live source fails, what came before is written
    too, and then the error raised. `on_frame(drive, frame)` is called after each frame. Per frame
    the channels are kept (about 300 bytes), and the landmarks (4 kB) if a preview shows them.

    `avatar`: previews show the photoreal avatar. Raises InputError for files that cannot be
    written, and for a character without an avatar, before anything is read.
    """
    paths = tuple(Path(file) for file in files)
    if paths:
        check_takes(paths)
    if avatar:
        check_avatar_previews(character, paths)
    if drive.source is not None:
        drive.source.keeps_interrupted = True
    keeps_landmarks = any(is_preview(path) for path in paths)
    frames, landmarks = FrameTable(), list[NDArray[np.float32] | None]()
    image_size, failure, interrupted = (0, 0), None, False
    try:
        with closing(drive):
            for frame in drive:
                seen = drive.seen
                if seen is not None:
                    image_size = seen.image_size
                    if keeps_landmarks:
                        landmarks.append(seen.track.landmarks[:, :2].copy() if seen.track else None)
                if paths:
                    frames.append(frame)
                if on_frame is not None:
                    on_frame(drive, frame)
    except KeyboardInterrupt:
        interrupted = True
    except MienError as error:
        if not (drive.live and len(frames)):
            raise
        failure = error
    count = len(frames) if paths else drive.statistics.frames
    # An interruption may fall between the two: landmarks of a frame that is not there.
    kept = tuple(landmarks[: len(frames)])
    take = Take(character, frames, kept, image_size, drive.name, avatar)
    written: list[Path] = []
    if len(frames) or not interrupted:
        try:
            for path in sorted(paths, key=write_order):
                write_take(path, take)
                written.append(path)
        except KeyboardInterrupt:
            interrupted = True
    not_written = tuple(path for path in paths if path not in written)
    contradicted = drive.agreement.contradicted() if drive.agreement else {}
    recording = Recording(
        count, drive.statistics, contradicted, interrupted, tuple(written), not_written
    )
    if failure is not None:
        kind = type(failure) if isinstance(failure, InputError) else MienError
        raise kind(f"{failure}; recorded until then: {recording}") from failure
    return recording
