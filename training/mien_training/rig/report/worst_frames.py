"""The frames that a reader should look at first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["worst_frames"]

Float64Array = NDArray[np.float64]

_ONE_MOMENT_S = 0.15
"""Frames of one camera that are closer show the same mishap."""


def worst_frames(
    points_px: Float64Array, colours: Float64Array, camera: NDArray[np.int64],
    times_s: Float64Array, count: int,
) -> NDArray[np.int64]:  # fmt: skip
    """At most `count` of N rows: half of them the worst by (N,) `points_px`, worst first, then
    those that are left by (N,) `colours`.

    Of one moment of a camera only its worst frame, as long as there are other moments.
    """
    by_points, by_colours = np.argsort(-points_px, kind="stable"), np.argsort(-colours)
    chosen: list[int] = []

    def take(order: NDArray[np.int64], until: int, apart_s: float) -> None:
        for row in order.tolist():
            if len(chosen) >= until:
                return
            near = np.abs(times_s[chosen] - times_s[row]) < apart_s
            if row not in chosen and not (near & (camera[chosen] == camera[row])).any():
                chosen.append(row)

    for apart_s in (_ONE_MOMENT_S, 0.0):
        take(by_points, (count + 1) // 2, apart_s)
    take(by_colours, count, _ONE_MOMENT_S)
    take(by_colours, count, 0.0)
    return np.array(chosen, np.int64)
