"""Regions of interest: rotated squares around a face, and the crop that the nets read."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, isfinite, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError
from mien.tracker.landmark_sets import EYE_CORNERS

__all__ = ["RotatedBox", "box_around_landmarks", "crop"]

FACE_MARGIN = 1.5
"""Side of the crop over the longer side of the landmarks: what the landmark net learned on."""

_LARGEST_BOX = 8.0
"""Sides longer than this many times the image's longer side cannot hold a face that is visible."""

_LEFT_EYE_OUTER, _RIGHT_EYE_OUTER = EYE_CORNERS["Left"][1], EYE_CORNERS["Right"][0]


@dataclass(frozen=True)
class RotatedBox:
    """A square in image pixels (x right, y down, pixel centres at +0.5)."""

    x: float
    """Centre, pixels."""
    y: float
    """Centre, pixels."""
    size: float
    """Length of a side, pixels."""
    angle: float = 0.0
    """Rotation from the image's x axis towards its y axis (clockwise as seen), radians."""

    def __post_init__(self) -> None:
        if not all(map(isfinite, (self.x, self.y, self.size, self.angle))) or self.size <= 0:
            raise InputError(f"{self}: expected finite numbers and a size above 0")

    @property
    def image_from_unit(self) -> NDArray[np.float64]:
        """(2, 3) affine map from the box's own [0, 1] x [0, 1] to image pixels."""
        c, s = self.size * cos(self.angle), self.size * sin(self.angle)
        return np.array([[c, -s, self.x - (c - s) / 2], [s, c, self.y - (s + c) / 2]], np.float64)


def box_around_landmarks(landmarks: NDArray[np.floating]) -> RotatedBox:
    """The crop for the next pass over a face: 1.5 times its extent, turned to the line of the eyes.

    `landmarks` is (478, 2) or (478, 3), image pixels. Raises InputError where they have no extent.
    """
    points = landmarks[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    eyes = points[_LEFT_EYE_OUTER] - points[_RIGHT_EYE_OUTER]
    centre = (low + high) / 2
    return RotatedBox(
        x=float(centre[0]),
        y=float(centre[1]),
        size=FACE_MARGIN * float((high - low).max()),
        angle=atan2(float(eyes[1]), float(eyes[0])),
    )


def crop(image: NDArray[np.uint8], box: RotatedBox, size: int) -> NDArray[np.float32]:
    """Sample the box on a (size, size, 3) grid: RGB in [0, 1], bilinear, not rounded.

    `image` is (H, W, 3) RGB; outside it its edge goes on. Where it is at least twice as fine as the
    grid, whole pixels are averaged first, so that large faces do not alias. Memory is bounded by
    the image's own size and the grid's. Raises InputError for a box that is larger than eight times
    the image or further away from it than that.
    """
    height, width = image.shape[:2]
    limit = _LARGEST_BOX * max(height, width)
    if max(box.size, abs(box.x - width / 2), abs(box.y - height / 2)) > limit:
        raise InputError(f"{box} is out of all proportion to the {width}x{height} image")
    matrix = box.image_from_unit
    half = abs(matrix[:, 0]) / 2 + abs(matrix[:, 1]) / 2
    factor = max(int(box.size / size), 1)
    low = np.floor((box.x, box.y) - half).astype(int) - 2 * factor
    high = np.ceil((box.x, box.y) + half).astype(int) + 2 * factor
    part = _window(image, low[0], low[1], high[0], high[1], factor)
    scale = (matrix[:, :2] / (size * factor)).astype(np.float32)
    offset = ((matrix[:, 2] - low) / factor - 0.5).astype(np.float32)
    return _bilinear(part, scale, offset, size)


def _bilinear(
    part: NDArray[np.uint8], scale: NDArray[np.float32], offset: NDArray[np.float32], size: int
) -> NDArray[np.float32]:
    """(size, size, 3): `part` at the places scale @ (column + 0.5, row + 0.5) + offset.

    Places are array indices and must lie inside. One colour at a time: numpy is fastest so.
    """
    grid = np.arange(size, dtype=np.float32) + np.float32(0.5)
    x = scale[0, 0] * grid + (scale[0, 1] * grid + offset[0])[:, None]
    y = scale[1, 0] * grid + (scale[1, 1] * grid + offset[1])[:, None]
    column, row = x.astype(np.int32), y.astype(np.int32)
    x -= column
    y -= row
    stride = part.shape[1]
    here = row * stride + column
    sampled = np.empty((size, size, 3), np.float32)
    for channel in range(3):
        values = part[..., channel].astype(np.float32).ravel()
        values *= np.float32(1 / 255)
        upper, lower = values.take(here), values[stride:].take(here)
        upper += x * (values[1:].take(here) - upper)
        lower += x * (values[stride + 1 :].take(here) - lower)
        lower -= upper
        lower *= y
        sampled[..., channel] = upper + lower
    return sampled


def _window(
    image: NDArray[np.uint8], left: int, top: int, right: int, bottom: int, factor: int
) -> NDArray[np.uint8]:
    """image[top:bottom, left:right], edges repeated outside, every factor x factor averaged."""
    height, width = image.shape[:2]
    # Whole blocks only: the last block reaches past the window instead of being cut.
    rows, row_padding = _blocks(top, -(-(bottom - top) // factor), factor, height)
    columns, column_padding = _blocks(left, -(-(right - left) // factor), factor, width)
    inside = rows[0] >= 0 and columns[0] >= 0 and rows[-1] < height and columns[-1] < width
    if inside:
        part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    else:
        part = image[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
    part = np.ascontiguousarray(part)
    if factor > 1:
        part = np.asarray(Image.fromarray(part).reduce(factor))
    if any(row_padding + column_padding):
        part = np.pad(part, (row_padding, column_padding, (0, 0)), mode="edge")
    return part


def _blocks(
    start: int, count: int, factor: int, length: int
) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Pixels to average along one axis, and how many blocks to repeat before and after them.

    Of the `count` blocks of `factor` pixels from `start` on, those outside the `length` of the
    image are all alike on either side: the nearest stands for them.
    """
    first = min(max(-start // factor - 1, 0), count - 1)
    end = max(min(-((start - length) // factor) + 1, count), first + 1)
    pixels = np.arange(start + first * factor, start + end * factor)
    return pixels, (first, count - end)
