"""Whether driven channels follow what the tracker itself says of them, in constant memory.

An animator reads more than the scores and may well know better; but a channel that moves against
its score over a whole recording is a guess that went wrong, and the user wants to know.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.channels import SCORE_NAMES

__all__ = ["ScoreAgreement"]

_FEWEST = 30
"""Frames below which a correlation says nothing."""
_MOVING = 0.04
"""Standard deviation that a score and a channel must have to be compared."""
_AGAINST = -0.05


class ScoreAgreement:
    """Correlation of every channel that has a score with that score.

    >>> agreement = ScoreAgreement(("jawOpen",))
    >>> scores = np.zeros((40, len(SCORE_NAMES)))
    >>> scores[:, SCORE_NAMES.index("jawOpen")] = np.linspace(0, 1, 40)
    >>> for k in range(40):
    ...     agreement.add(scores[k], np.array([1 - k / 40]))
    >>> agreement.contradicted()
    {'jawOpen': -1.0}
    """

    def __init__(self, channel_names: Sequence[str]) -> None:
        shared = [name for name in channel_names if name in SCORE_NAMES]
        self.names = tuple(shared)
        self._score = np.array([SCORE_NAMES.index(n) for n in shared], np.int64)
        self._channel = np.array([list(channel_names).index(n) for n in shared], np.int64)
        self._count = 0
        self._mean = np.zeros((2, len(shared)))
        self._square = np.zeros((3, len(shared)))

    def add(self, scores: NDArray[np.floating], channels: NDArray[np.floating]) -> None:
        """One frame: the tracker's (52,) scores, and the character's (C,) channels.

        Running sums as in Welford 1962, "Note on a Method for Calculating Corrected Sums of
        Squares and Products".
        """
        self._count += 1
        values = np.stack([scores[self._score], channels[self._channel]]).astype(np.float64)
        before = values - self._mean
        self._mean += before / self._count
        after = values - self._mean
        self._square += np.stack([before[0] * after[0], before[1] * after[1], before[0] * after[1]])

    def contradicted(self) -> dict[str, float]:
        """Channels that move against their score, and the correlation; none in short recordings."""
        if self._count < _FEWEST:
            return {}
        spread = np.sqrt(np.maximum(self._square[:2], 0) / self._count)
        moving = (spread[0] > _MOVING) & (spread[1] > _MOVING)
        correlation = self._square[2] / np.maximum(self._count * spread.prod(0), 1e-12)
        return {
            name: round(float(r), 2)
            for name, r, moves in zip(self.names, correlation, moving, strict=True)
            if moves and r < _AGAINST
        }
