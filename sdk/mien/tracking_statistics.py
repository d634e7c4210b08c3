"""How sure a tracker was over a whole recording, in constant memory."""

from __future__ import annotations

import numpy as np

__all__ = ["TrackingStatistics"]

_BINS = 1000


class TrackingStatistics:
    """Counts images, faces and their presence.

    >>> statistics = TrackingStatistics()
    >>> for presence in (0.9, None, 0.7):
    ...     statistics.add(presence)
    >>> statistics.frames, statistics.tracked, round(statistics.presence(0.5), 2)
    (3, 2, 0.7)
    """

    def __init__(self) -> None:
        self.frames = 0
        """Images that were looked at."""
        self.tracked = 0
        """Images in which a face was found."""
        self.dropped = 0
        """Images that came too fast from a camera and were left out."""
        self._histogram = np.zeros(_BINS + 1, np.int64)

    def add(self, presence: float | None) -> None:
        """One more image: the tracker's presence, None where it found no face."""
        self.frames += 1
        if presence is not None:
            self.tracked += 1
            self._histogram[min(max(round(presence * _BINS), 0), _BINS)] += 1

    def presence(self, quantile: float) -> float | None:
        """Quantile (0..1) of the presence of the faces found, to 0.001; None without any."""
        if not self.tracked:
            return None
        wanted = max(int(np.ceil(quantile * self.tracked)), 1)
        return float(np.searchsorted(np.cumsum(self._histogram), wanted)) / _BINS

    def __str__(self) -> str:
        if not self.tracked:
            return f"no face in {self.frames} images"
        return (
            f"{self.tracked} of {self.frames} tracked, presence median {self.presence(0.5):.2f}, "
            f"5 % below {self.presence(0.05):.2f}"
        )

    def report(self) -> dict[str, float | int | None]:
        """The same as numbers, for `--json`."""
        return {
            "tracked": self.tracked,
            "dropped": self.dropped,
            "presence_median": self.presence(0.5),
            "presence_p5": self.presence(0.05),
        }
