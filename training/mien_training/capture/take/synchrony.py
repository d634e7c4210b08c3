"""Whether the cameras of a take recorded the same moments."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.capture.take.camera_source import CameraSource
from mien_training.capture.take.frame_range import FrameRange

__all__ = ["film_clock", "wanted_frames"]

_APART = 0.5
"""Of a frame."""


def wanted_frames(sources: Sequence[CameraSource], frames: FrameRange) -> tuple[CameraSource, ...]:
    """The wanted frames of every source, as many of each, one moment after the other.

    Raises InputError, naming sources and counts, where cameras have different numbers of frames
    (unless `frames` ends within all), where pictures of one moment are numbered differently, and
    where nothing is left.
    """
    first = sources[0]
    chosen = [source.at(frames.chosen(source.frames.tolist())) for source in sources]
    for source, kept in zip(sources, chosen, strict=True):
        differs = frames.last is None and len(source.frames) != len(first.frames)
        if differs or len(kept.frames) != len(chosen[0].frames):
            raise InputError(
                f"{source.path}: {len(source.frames)} frames, {first.path.name} has "
                f"{len(first.frames)}, expected as many of every camera, or --frames first:last "
                "that all have"
            )
    if not len(chosen[0].frames):
        low, high = int(first.frames[0]), int(first.frames[-1])
        raise InputError(
            f"--frames: none of the frames {low} to {high} of {first.path.name} is wanted, "
            "expected some of them"
        )
    for kept in chosen[1:]:
        if kept.pictures and len(kept.pictures) > 1 and (kept.frames != chosen[0].frames).any():
            k = int((kept.frames != chosen[0].frames).argmax())
            raise InputError(
                f"{kept.path}: {kept.pictures[k].name} stands where {first.path.name} has "
                f"{chosen[0].pictures[k].name}, expected one number for one moment"
            )
    return tuple(chosen)


def film_clock(films: Sequence[CameraSource]) -> NDArray[np.float64]:
    """(T,) seconds of the frames of films, which are as many of each, from the first one on.

    Raises InputError, naming films, frame and times, where clocks are more than half a frame apart.
    """
    clocks = [np.asarray(film.times_s, np.float64) for film in films]
    ours, frames = clocks[0], films[0].frames
    step = np.inf if len(ours) < 2 else float(np.median(np.diff(ours) / np.diff(frames)))
    for film, theirs in zip(films, clocks, strict=True):
        apart = np.abs(theirs - ours)
        if apart.max() > _APART * step:
            k = int((apart > _APART * step).argmax())
            raise InputError(
                f"{film.path}: frame {int(film.frames[k])} is at {theirs[k]:.3f} s, that of "
                f"{films[0].path.name} at {ours[k]:.3f} s, expected cameras in step within half a "
                f"frame ({1000 * _APART * step:.1f} ms)"
            )
    return np.asarray(ours - ours[0])
