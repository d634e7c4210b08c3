"""A square cut into rectangles of given areas: the squarified treemap.

Bruls, Huizing, van Wijk 2000, "Squarified treemaps".
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Rectangle", "cut_up"]

Rectangle = tuple[float, float, float, float]
"""Left, top, width, height."""


def cut_up(shares: Sequence[float], into: Rectangle) -> list[Rectangle]:
    """One rectangle for each of the positive shares, filling `into`, none long and thin if it can
    be helped; in the order of the shares."""
    left, top, width, height = into
    scale = width * height / sum(shares)
    order = sorted(range(len(shares)), key=lambda i: -shares[i])
    areas = [scale * shares[i] for i in order]
    found: dict[int, Rectangle] = {}
    start = 0
    while start < len(areas):
        side = min(width, height)
        stop = start + 1
        while stop < len(areas) and _worst(areas[start : stop + 1], side) <= _worst(
            areas[start:stop], side
        ):
            stop += 1
        thick = sum(areas[start:stop]) / side
        at = 0.0
        for i in range(start, stop):
            length = areas[i] / thick
            if height <= width:
                found[order[i]] = (left, top + at, thick, length)
            else:
                found[order[i]] = (left + at, top, length, thick)
            at += length
        if height <= width:
            left, width = left + thick, width - thick
        else:
            top, height = top + thick, height - thick
        start = stop
    return [found[i] for i in range(len(shares))]


def _worst(row: Sequence[float], side: float) -> float:
    """The longest of a row's rectangles: its length over its width."""
    thick = sum(row) / side
    return max(max(a / thick**2, thick**2 / a) for a in row)
