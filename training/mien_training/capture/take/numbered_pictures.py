"""The pictures of one camera in a folder, by the numbers in their names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mien.errors import InputError
from mien.video import IMAGE_SUFFIXES, read_frames

__all__ = [
    "NumberedPictures", "numbered_pictures", "picture_size", "pictures_in", "read_picture",
]  # fmt: skip

_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class NumberedPictures:
    """Pictures in the order of their numbers, which rise in equal steps."""

    paths: tuple[Path, ...]
    numbers: tuple[int, ...]
    """Of each; (0,) for a picture alone."""


def pictures_in(folder: Path) -> list[Path]:
    """Hidden files are none, as some systems leave them beside every picture."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != "." and path.is_file()
    )


def numbered_pictures(source: Path) -> NumberedPictures:
    """Of a folder, or a single picture.

    The number is the one that changes from name to name. Raises InputError, naming folder and
    pictures, where there are none, where names do not tell their order, and where one is missing.
    """
    if not source.is_dir():
        return NumberedPictures((source,), (0,))
    paths = pictures_in(source)
    if not paths:
        raise InputError(
            f"{source}: no pictures in this folder (looked for {', '.join(sorted(IMAGE_SUFFIXES))})"
        )
    if len(paths) == 1:
        return NumberedPictures((paths[0],), (0,))
    numbers = _numbers(source, paths)
    order = np.argsort(numbers, kind="stable")
    paths, numbers = [paths[k] for k in order], [numbers[k] for k in order]
    steps = np.diff(numbers)
    if not steps.all():
        k = int((steps == 0).argmax())
        raise InputError(
            f"{source}: {paths[k].name} and {paths[k + 1].name} have one number, expected one "
            "picture for each"
        )
    gaps = np.flatnonzero(steps != steps.min())
    if len(gaps):
        k = int(gaps[0])
        raise InputError(
            f"{source}: a picture is missing between {paths[k].name} and {paths[k + 1].name}, "
            "expected numbers in equal steps"
        )
    return NumberedPictures(tuple(paths), tuple(numbers))


def _numbers(folder: Path, paths: list[Path]) -> list[int]:
    """Of each name, the only number in which the names differ."""
    pieces = [re.split(r"(\d+)", path.stem) for path in paths]
    words = [piece[::2] for piece in pieces]
    for path, own in zip(paths, words, strict=True):
        if own != words[0]:
            raise InputError(
                f"{folder}: {paths[0].name} and {path.name} differ in more than a number, "
                "expected the pictures of one camera, numbered"
            )
    columns = list(zip(*(piece[1::2] for piece in pieces), strict=True))
    changing = [column for column in columns if len(set(column)) > 1]
    if len(changing) != 1:
        raise InputError(
            f"{folder}: {paths[0].name} to {paths[-1].name} differ in {len(changing)} numbers, "
            "expected pictures of one camera, numbered by moments"
        )
    return [int(number) for number in changing[0]]


def picture_size(path: Path) -> tuple[int, int]:
    """(width, height), upright, without decoding. Raises InputError for what is no picture."""
    try:
        with Image.open(path) as stored:
            sideways = stored.getexif().get(_ORIENTATION) in _SIDEWAYS
            width, height = stored.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        unknown = isinstance(error, UnidentifiedImageError)
        reason = "not an image" if unknown else f"damaged image ({error})"
        raise InputError(f"{path}: {reason}") from None
    return (height, width) if sideways else (width, height)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3), upright; of 16 bits the upper 8. Raises InputError for what is no picture."""
    return next(iter(read_frames(path))).image
