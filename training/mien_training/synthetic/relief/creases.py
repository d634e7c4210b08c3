"""Where skin creases: lines across the pull of the muscles beneath, by region.

A fold lies across the muscle that makes it: the frontalis lifts the brow and folds the forehead
level, the corrugator draws the brows together and folds the glabella upright, the ring about the
eye fans out crow's feet, that about the mouth makes upright lines in the lips' rims (Kraissl 1951,
"The selection of appropriate lines for elective surgical incisions").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_chart import FaceChart

__all__ = ["REGIONS", "Crease", "CreaseRegion", "draw_creases"]

Float32Array = NDArray[np.float32]
_STEPS = 12
_BESIDE = 0.6
"""Share of the folds that have a finer one beside them."""


@dataclass(frozen=True)
class CreaseRegion:
    """How a region folds; depths and widths are medians over people."""

    aged_mm: float
    """Depth at rest in old age (1)."""
    pressed_mm: float
    """What full compression adds to it then."""
    width_mm: float
    """From the bottom of a crease to where its wall is down to a third."""


REGIONS: dict[str, CreaseRegion] = {
    "forehead": CreaseRegion(0.50, 0.55, 1.3),
    "glabella": CreaseRegion(0.65, 0.65, 1.3),
    "nose": CreaseRegion(0.12, 0.35, 0.9),
    "crowsFeet": CreaseRegion(0.45, 0.50, 1.0),
    "underEyes": CreaseRegion(0.35, 0.25, 0.9),
    "nasolabial": CreaseRegion(1.20, 0.60, 2.2),
    "marionette": CreaseRegion(0.80, 0.30, 1.8),
    "lips": CreaseRegion(0.25, 0.22, 0.7),
    "chin": CreaseRegion(0.45, 0.45, 1.6),
    "neck": CreaseRegion(0.60, 0.30, 1.6),
}
"""Chosen by eye and order of magnitude: fine lines of a tenth of a millimetre or two, folds of
nearly one."""


@dataclass(frozen=True, eq=False)
class Crease:
    """One fold of one person."""

    region: str
    line: Float32Array
    """(M, 2) on the `FaceChart`."""
    width_m: float
    aged_m: float
    """Depth at rest in old age (1)."""
    pressed_m: float
    """What full compression adds to it then."""
    onset: float
    """Age, below 1, at which it begins to stay at rest."""


def draw_creases(frame: FaceFrame, rng: np.random.Generator) -> tuple[Crease, ...]:
    """A person's folds; left and right of a pair are alike but not the same."""
    chart = FaceChart(frame)
    found: list[Crease] = []
    for region, lines in _lines(frame, chart, rng).items():
        lines += [_beside(line, share, rng) for line, share in lines if rng.uniform() < _BESIDE]
        kind = REGIONS[region]
        deep = float(np.exp(0.3 * rng.standard_normal()))
        for line, share in lines:
            own, wide = np.exp((0.25, 0.15) * rng.standard_normal(2))
            found.append(
                Crease(
                    region, line, width_m=1e-3 * kind.width_mm * float(wide),
                    aged_m=1e-3 * kind.aged_mm * deep * share * float(own),
                    pressed_m=1e-3 * kind.pressed_mm * deep * share * float(own),
                    onset=float(rng.uniform(0.15, 0.6)) + 0.3 * (1 - share),
                )
            )  # fmt: skip
    return tuple(found)


Lines = list[tuple[Float32Array, float]]


def _lines(frame: FaceFrame, chart: FaceChart, rng: np.random.Generator) -> dict[str, Lines]:
    """Region -> polylines on the chart, and how deep each is of the deepest."""
    brow = (max(float(b[:, 1].max()) for b in frame.brows) - float(frame.middle[1])) / frame.unit
    corner, mouth_y, lip_top, lip_bottom = _mouth(frame, chart)
    wing = (0.27, 0.5 * mouth_y)  # of the nose
    eye = _outer_corner(frame, chart) + 0.08
    chin_y = mouth_y - 0.42
    lines: dict[str, Lines] = {name: [] for name in REGIONS}

    count = int(rng.integers(3, 6))
    for i, y in enumerate(np.linspace(brow + 0.10, brow + 0.52, count)):
        half = rng.uniform(0.55, 0.95, 2)
        sag = rng.uniform(-0.03, 0.06)
        x = np.linspace(-half[0], half[1], _STEPS)
        bend = sag * (x / 0.8) ** 2 + 0.02 * np.cos(3.5 * x + rng.uniform(0, 6))
        share = 1.0 - 0.35 * abs(i - 0.45 * (count - 1)) / count
        lines["forehead"].append((_line(x, y + rng.normal(0, 0.012) + bend), share))

    for side in (1.0, -1.0):

        def both(
            region: str, xs: Sequence[float], ys: Sequence[float], share: float = 1.0
        ) -> None:  # fmt: skip
            shaken = rng.normal(0, 0.012, (2, len(xs)))
            at = np.linspace(0, 1, len(xs))
            s = np.linspace(0, 1, _STEPS)
            x = np.interp(s, at, side * np.asarray(xs) + shaken[0])  # noqa: B023
            lines[region].append((_line(x, np.interp(s, at, np.asarray(ys) + shaken[1])), share))

        both("glabella", [0.13, 0.15, 0.20], [0.10, 0.28, 0.46])
        for i in range(int(rng.integers(1, 4))):
            y = 0.02 - 0.09 * i
            both("nose", [0.03, 0.10, 0.17], [y - 0.02, y, y + 0.03], 1 - 0.2 * i)
        fan = int(rng.integers(3, 6))
        for i, angle in enumerate(np.linspace(0.65, -0.75, fan).tolist()):
            length = float(rng.uniform(0.22, 0.38))
            begin = (eye + 0.03 * abs(angle), 0.10 * angle)
            xs = [begin[0] + r * length for r in (0.0, 0.5, float(np.cos(0.8 * angle)))]
            ys = [begin[1] + r * length * float(np.sin(angle)) for r in (0.0, 0.45, 1.0)]
            both("crowsFeet", xs, ys, 1.0 - 0.4 * abs(i / max(fan - 1, 1) - 0.5))
        for i in range(int(rng.integers(1, 4))):
            drop = -0.24 - 0.07 * i
            both(
                "underEyes",
                [0.26, 0.48, 0.74],
                [drop + 0.02, drop - 0.04, drop + 0.09],
                1 - 0.2 * i,
            )
        out = corner + 0.20
        xs = [wing[0], 0.5 * (wing[0] + out) + 0.04, out]
        ys = [wing[1], 0.5 * (wing[1] + mouth_y) + 0.06, mouth_y - 0.04]
        both("nasolabial", xs, ys)
        xs = [corner + 0.05, corner + 0.08, corner + 0.06]
        both("marionette", xs, [mouth_y - 0.02, mouth_y - 0.16, mouth_y - 0.34])
        for x in np.arange(0.06, corner, 0.085).tolist():
            both(
                "lips",
                [x, 1.03 * x],
                [lip_top + 0.01, lip_top + float(rng.uniform(0.06, 0.14))],
                0.8,
            )
            ends = [lip_bottom - 0.01, lip_bottom - float(rng.uniform(0.05, 0.11))]
            both("lips", [x, 1.02 * x], ends, 0.6)

    x = np.linspace(-0.30, 0.30, _STEPS) + rng.normal(0, 0.02)
    lines["chin"].append((_line(x, chin_y + 0.10 * (1 - (x / 0.3) ** 2)), 1.0))
    for i in range(int(rng.integers(1, 3))):
        x = np.linspace(-0.9, 0.9, _STEPS)
        level = chin_y - 0.42 - 0.17 * i + rng.normal(0, 0.02)
        lines["neck"].append((_line(x, level - 0.08 * np.cos(1.6 * x)), 1 - 0.2 * i))
    return lines


def _beside(
    line: Float32Array, share: float, rng: np.random.Generator
) -> tuple[Float32Array, float]:
    """A finer and shorter fold along another."""
    begin, length = rng.integers(0, _STEPS // 2), rng.integers(_STEPS // 3, 2 * _STEPS // 3)
    part = line[begin : begin + length + 1]
    across = np.array([-1.0, 1.0]) * (part[-1] - part[0])[::-1]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    away = rng.choice((-1.0, 1.0)) * rng.uniform(0.03, 0.06)
    return (part + away * across).astype(np.float32), 0.45 * share


def _outer_corner(frame: FaceFrame, chart: FaceChart) -> float:
    """Of the eyes: distance from the middle on the chart, a mean face's where lids are unknown."""
    if not frame.upper_lids:
        return 0.60
    return float(np.mean([np.abs(chart.flat(lid)[0][:, 0]).max() for lid in frame.upper_lids]))


def _mouth(frame: FaceFrame, chart: FaceChart) -> tuple[float, float, float, float]:
    """On the chart: the corners' distance from the middle and height, top and bottom of the lips;
    a mean face's where the template has no lips."""
    if frame.lips is None:
        return 0.29, -1.16, -1.00, -1.34
    flat = chart.flat(frame.lips)[0]
    corner = flat[np.abs(flat[:, 0]).argmax()]
    return float(abs(corner[0])), float(corner[1]), float(flat[:, 1].max()), float(flat[:, 1].min())


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> Float32Array:
    return np.stack([x, y], 1).astype(np.float32)
