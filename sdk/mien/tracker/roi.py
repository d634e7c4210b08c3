"""Regions of interest: rotated squares around a face, and the crop that the nets look at."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, hypot, isfinite, sin

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import InputError

__all__ = ["RotatedBox", "box_around_landmarks", "crop"]

FACE_MARGIN = 1.5
"""Side of the crop over the longer side of the landmarks: what the landmark net learned on."""

_RIGHT_EYE_OUTER, _LEFT_EYE_OUTER = 33, 263


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
    """The crop for the next look at a face: 1.5 times its extent, turned to the line of the eyes.

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
    grid, whole pixels are averaged first, so that large faces do not alias. Raises InputError for
    a box out of all proportion to the image.
    """
    height, width = image.shape[:2]
    if box.size > 64 * hypot(height, width):
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
    right += -(right - left) % factor
    bottom += -(bottom - top) % factor
    if left >= 0 and top >= 0 and right <= width and bottom <= height:
        part = image[top:bottom, left:right]
    else:
        rows = np.clip(np.arange(top, bottom), 0, height - 1)
        columns = np.clip(np.arange(left, right), 0, width - 1)
        part = image[rows][:, columns]
    part = np.ascontiguousarray(part)
    return part if factor == 1 else np.asarray(Image.fromarray(part).reduce(factor))
