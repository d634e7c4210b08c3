"""Mattes that come with the film: a video or a folder of images; the head is white, or cut out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.video import count_frames
from mien_training.footage.face_crop import FaceCrop, read_crops

__all__ = ["given_mattes"]

_EMPTY = 0.01
"""Share of a matte that a head covers at least."""


def given_mattes(
    mattes: Path, film: Path, crop: FaceCrop, frames: list[int], size: int
) -> NDArray[np.uint8]:
    """(T, size, size) coverage of frames with these indices in the film's file: of an image that is
    transparent anywhere its alpha, else how bright it is.

    Raises InputError for mattes that are not there, of another number or size than the film's
    frames, or empty.
    """
    if not mattes.exists():
        raise InputError(f"{mattes}: not there; expected the mattes of {film.name}")
    theirs, ours = count_frames(mattes), count_frames(film)
    if theirs is not None and ours is not None and theirs != ours:
        raise InputError(
            f"{mattes}: {theirs} mattes, expected {ours}, one per frame of {film.name}"
        )
    images, _ = read_crops(mattes, crop, frames, size, cut_outs=True)
    alpha = images.max(-1)
    covered = (alpha > 127).mean((1, 2))
    if covered.min() < _EMPTY:
        worst = frames[int(covered.argmin())]
        raise InputError(
            f"{mattes}: the matte of frame {worst} covers {100 * covered.min():.1f} % of the "
            f"square around the head, expected at least {100 * _EMPTY:.0f} %: white, or opaque, is "
            "the head"
        )
    return np.asarray(alpha)
