"""Frames in which the tracker was somewhere else: it jumped away, and back a moment later.

No head does that: where a point is before and after tells where it was, but for its acceleration.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["track_jumps"]

_LONGEST = 3
"""Frames that a jump lasts at most; what lasts longer may be a cut."""
_GAP_S = 0.1
"""Neighbours that are farther apart tell nothing of what lies between."""
_FAR = 0.06
"""Distance from where the neighbours would have the points, in sizes of the face (median)."""
_APART = 1.5
"""The same in distances between the neighbours themselves."""


def track_jumps(points: NDArray[np.floating], times_s: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(T,) frames of one camera whose points are not where those around them say.

    points (T, 478, 2) of frames that show a face, pixels; times_s (T,).
    """
    count = len(points)
    size = np.ptp(points, axis=1).max(1)
    jumps = np.zeros(count, np.bool_)
    for length in range(1, _LONGEST + 1):
        for first in range(1, count - length):
            last = first + length
            between = slice(first, last)
            if jumps[first - 1 : last + 1].any() or times_s[last] - times_s[first - 1] > (
                _GAP_S * (length + 1)
            ):
                continue
            before, after = points[first - 1], points[last]
            share = (times_s[between] - times_s[first - 1]) / (times_s[last] - times_s[first - 1])
            expected = before + share[:, None, None] * (after - before)
            away = np.linalg.norm(points[between] - expected, axis=2)
            apart = np.median(np.linalg.norm(after - before, axis=1))
            face = max(size[first - 1], size[last])
            jumps[between] = np.median(away, axis=1).min() > max(_FAR * face, _APART * apart)
    return jumps
