"""A take of several cameras: moment after moment, one picture of each camera at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.video import FOLDER_RATE_HZ
from mien_training.cameras import Camera
from mien_training.cameras.calibration import read_calibration, scaled
from mien_training.capture.take.camera_source import CameraSource, open_source
from mien_training.capture.take.frame_range import FrameRange
from mien_training.capture.take.sources import is_film, matched_sources, sources_of
from mien_training.capture.take.synchrony import film_clock, wanted_frames
from mien_training.runs.content_key import file_digest
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["MultiViewTake", "TakeMoment", "open_take"]


@dataclass(frozen=True, eq=False)
class TakeMoment:
    """C pictures that were taken at once."""

    number: int
    """Among the take's moments, from 0."""
    images: tuple[NDArray[np.uint8], ...]
    """C of (H, W, 3), without lens distortion beyond k1 and k2."""


@dataclass(frozen=True, eq=False)
class MultiViewTake:
    """T moments of C cameras; of the pictures nothing is held."""

    names: tuple[str, ...]
    """C, of the cameras."""
    sources: tuple[CameraSource, ...]
    """C, in the same order, of T frames each."""
    times_s: NDArray[np.float64]
    """(T,) seconds from the first moment."""
    calibration: Path
    unit_m: float | None
    """Length of the cameras' unit; None: not known, and `cameras` are in that unit."""

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def cameras(self) -> tuple[Camera, ...]:
        """C, of the pictures as they are read."""
        return tuple(source.camera for source in self.sources)

    @property
    def frames(self) -> NDArray[np.int64]:
        """(T,) index in the films, from 0, or number in the pictures' names."""
        return self.sources[0].frames

    def in_metres(self, unit_m: float) -> MultiViewTake:
        """The same take where the unit, not known so far, has this length."""
        sources = tuple(
            replace(source, taken_by=scaled(source.taken_by, unit_m)) for source in self.sources
        )
        return replace(self, sources=sources, unit_m=unit_m)

    def moments(self, numbers: Sequence[int] | None = None) -> Iterator[TakeMoment]:
        """Those moments, in order, or all; each is read when it is asked for.

        Memory: one picture of each camera, if the caller keeps none. Films are decoded from their
        beginning. Raises InputError, naming the file, for what cannot be read.
        """
        chosen = range(len(self)) if numbers is None else sorted(numbers)
        streams = [source.images(chosen) for source in self.sources]
        with ExitStack() as opened:
            for stream in streams:
                opened.callback(stream.close)
            for number in chosen:
                yield TakeMoment(number, tuple(next(stream) for stream in streams))

    def digests(self, report: Report = silent) -> dict[str, str]:
        """SHA-256 of what the moments are made of, by what it is."""
        found = {"cameras": file_digest(self.calibration)}
        for done, (name, source) in enumerate(zip(self.names, self.sources, strict=True)):
            report(Progress("checking sources", done, len(self.sources)))
            found[f"pictures of {name}"] = source.digest()
        return found


def open_take(
    given: Sequence[Path], cameras: Path, frames: FrameRange, fps: float | None = None
) -> MultiViewTake:
    """The take that `mien capture` is called with; pictures are checked as far as that takes no
    decoding of all of them.

    fps: moments a second of pictures, 30 if left out. Raises InputError, naming file and field, for
    all that is wrong with sources, calibration and their match.
    """
    calibration = read_calibration(cameras)
    paths = sources_of(given)
    matched = matched_sources(paths, tuple(calibration.cameras), str(cameras))
    films = [name for name, path in matched.items() if is_film(path)]
    if films and fps is not None:
        raise InputError(
            f"--fps {fps:g}: {films[0]} is a film, whose own times count; leave it out"
        )
    if fps is not None and not 0.01 <= fps <= 100_000:
        raise InputError(f"--fps {fps:g}: expected pictures a second, 0.01 to 100000")
    sources = tuple(open_source(path, calibration.cameras[n]) for n, path in matched.items())
    sources = wanted_frames(sources, frames)
    if films:
        times = film_clock(sources)
    else:
        number = sources[0].frames
        times = (number - number[0]) / (fps or FOLDER_RATE_HZ)
    return MultiViewTake(tuple(matched), sources, times, cameras, calibration.unit_m)
