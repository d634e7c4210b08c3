"""Some frames for many: what is taken of a long film where all of it would be too much."""

from __future__ import annotations

import numpy as np

from mien.errors import InputError

__all__ = ["even_frames"]


def even_frames(count: int, most: int) -> list[int]:
    """Indices of at most `most` of `count` frames, at even distances from the first to the last;
    all where they are not more. Raises InputError for none of either."""
    if min(count, most) < 1:
        raise InputError(f"even_frames: {most} of {count} frames, expected 1 or more of each")
    found: list[int] = np.rint(np.linspace(0, count - 1, min(count, most))).astype(int).tolist()
    return found
