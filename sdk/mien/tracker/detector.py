"""The face detector: anchors, weighted non-maximum suppression, and a search on tiles.

The net (MediaPipe's short-range BlazeFace) looks at 128x128 pixels and sees faces down to about a
tenth of its view; a smaller face in a large frame is found on overlapping tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import atan2

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.tracker.roi import FACE_MARGIN, RotatedBox

__all__ = ["Detection", "FaceDetector", "anchors", "decode", "suppress", "tiles"]

_INPUT = 128
_MIN_SCORE = 0.5
_MIN_OVERLAP = 0.3
_FINEST_TILES = 4

FloatArray = NDArray[np.float64]
DetectorNet = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""(B, 128, 128, 3) in [-1, 1] -> boxes (B, 896, 16), logits (B, 896)."""


@dataclass(frozen=True, eq=False)
class Detection:
    """A face as the detector sees it, image pixels."""

    score: float
    """Confidence, 0 to 1."""
    box: FloatArray
    """(4,) left, top, right, bottom."""
    points: FloatArray
    """(6, 2) right eye, left eye, nose tip, mouth, right ear, left ear."""

    @property
    def roi(self) -> RotatedBox:
        """The first crop for the landmark net."""
        eyes = self.points[1] - self.points[0]
        centre = (self.box[:2] + self.box[2:]) / 2
        return RotatedBox(
            x=float(centre[0]),
            y=float(centre[1]),
            size=FACE_MARGIN * float((self.box[2:] - self.box[:2]).max()),
            angle=atan2(float(eyes[1]), float(eyes[0])),
        )


def anchors() -> FloatArray:
    """(896, 2) anchor centres in [0, 1]: two on each of 16x16 cells, then six on each of 8x8."""
    layers = []
    for cells, per_cell in ((16, 2), (8, 6)):
        centres = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centres, centres, indexing="ij")
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(layers)


def decode(
    boxes: NDArray[np.float32], logits: NDArray[np.float32]
) -> tuple[FloatArray, FloatArray]:
    """One view's raw output, (896, 16) and (896,) -> rows (N, 16) and scores (N,) above 0.5.

    A row is left, top, right, bottom, then six points (x, y), all in [0, 1] of the view.
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -100.0, 100.0)))
    kept = scores >= _MIN_SCORE
    raw = boxes[kept].astype(np.float64) / _INPUT
    centres = anchors()[kept]
    middle, half = raw[:, :2] + centres, raw[:, 2:4] / 2
    points = raw[:, 4:].reshape(-1, 6, 2) + centres[:, None]
    rows = np.concatenate([middle - half, middle + half, points.reshape(-1, 12)], axis=1)
    usable = (half > 0).all(axis=1)
    return rows[usable], scores[kept][usable]


def suppress(rows: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, float]]:
    """Weighted non-maximum suppression: overlapping rows become their score-weighted mean.

    Best first; each with the score of its best member. Overlap is intersection over union > 0.3.
    """
    order = np.argsort(-scores, kind="stable")
    found = []
    while len(order):
        best = order[0]
        together = overlap(rows[best, :4], rows[order, :4]) > _MIN_OVERLAP
        together[0] = True
        members = order[together]
        mean = np.average(rows[members], axis=0, weights=scores[members])
        found.append((mean, float(scores[best])))
        order = order[~together]
    return found


def overlap(box: NDArray[np.floating], boxes: NDArray[np.floating]) -> FloatArray:
    """(N,) intersection over union of one box (4,) with many (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    return np.asarray(common / np.maximum(areas - common, 1e-12), np.float64)


def tiles(width: int, height: int, parts: int) -> list[tuple[int, int, int]]:
    """Squares (left, top, side) that cover the image, overlapping by half.

    The side is the image's longer side divided by `parts`, so a face of up to half a side lies
    whole in one of them.
    """
    side = min(-(-max(width, height) // parts), min(width, height))

    def starts(length: int) -> list[int]:
        steps = max(-(-2 * (length - side) // side), 0)
        return [round(i * (length - side) / max(steps, 1)) for i in range(steps + 1)]

    return [(left, top, side) for top in starts(height) for left in starts(width)]


class FaceDetector:
    """Finds faces in whole images."""

    def __init__(self, net: DetectorNet) -> None:
        self._net = net

    def find(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Faces at least about a tenth as large as the image's longer side, best first."""
        height, width = image.shape[:2]
        return self._detect_in(image, [(0, 0, max(width, height))])

    def find_small(self, image: NDArray[np.uint8]) -> list[Detection]:
        """Faces on tiles of a half, then of a quarter of the image; stops at the first success."""
        height, width = image.shape[:2]
        parts = 2
        while parts <= _FINEST_TILES and max(width, height) // parts >= _INPUT // 2:
            found = self._detect_in(image, tiles(width, height, parts))
            if found:
                return found
            parts *= 2
        return []

    def _detect_in(
        self, image: NDArray[np.uint8], views: list[tuple[int, int, int]]
    ) -> list[Detection]:
        rows, scores = [], []
        for left, top, side in views:
            boxes, logits = self._net(_view(image, left, top, side)[None])
            found, confidence = decode(boxes[0], logits[0])
            rows.append(found * side + np.tile((left, top), 8))
            scores.append(confidence)
        return [
            Detection(score, row[:4], row[4:].reshape(6, 2))
            for row, score in suppress(np.concatenate(rows), np.concatenate(scores))
        ]


def _view(image: NDArray[np.uint8], left: int, top: int, side: int) -> NDArray[np.float32]:
    """(128, 128, 3) in [-1, 1]: the square's pixels, averaged down; black outside the image."""
    part = image[top : top + side, left : left + side]
    height, width = part.shape[:2]
    size = (max(round(width * _INPUT / side), 1), max(round(height * _INPUT / side), 1))
    small = Image.fromarray(np.ascontiguousarray(part)).resize(
        size, Image.Resampling.BILINEAR, reducing_gap=2.0
    )
    view = np.full((_INPUT, _INPUT, 3), -1.0, np.float32)
    view[: size[1], : size[0]] = np.asarray(small, np.float32) / 127.5 - 1.0
    return view
