"""What the tracker saw, as a clip: scores under ARKit's names, and the head's angles."""

from __future__ import annotations

import numpy as np

from mien.channels import ARKIT_CHANNELS, HEAD_CHANNELS, SCORE_NAMES, reorder
from mien.clip import Clip
from mien.errors import MienError
from mien.rotation import yaw_pitch_roll_from_quaternion
from mien.row_buffer import RowBuffer
from mien.tracked_source import SeenFrame
from mien.tracking_statistics import TrackingStatistics

__all__ = ["TrackRecorder"]


class TrackRecorder:
    """Collects the tracked images of a source, 220 bytes each."""

    def __init__(self) -> None:
        self.statistics = TrackingStatistics()
        self._rows = RowBuffer(len(SCORE_NAMES) + 3)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, seen: SeenFrame) -> None:
        """One more image. Without a face it is counted and left out."""
        self.statistics.add(None if seen.track is None else seen.track.presence)
        self.statistics.dropped = seen.dropped
        if seen.track is not None:
            angles = yaw_pitch_roll_from_quaternion(seen.track.head_rotation_xyzw)
            self._rows.append(seen.time_s, np.concatenate([seen.track.scores, angles]))

    @property
    def clip(self) -> Clip:
        """ARKIT_CHANNELS, then HEAD_CHANNELS (radians; the eyes' are 0), at the images' own times.

        tongueOut has no score and is 0. Raises MienError when no face was found.
        """
        if not len(self._rows):
            raise MienError(f"no face was found in any of the {self.statistics.frames} frames")
        values = self._rows.values
        scores, head = np.split(values, [len(SCORE_NAMES)], axis=1)
        eyes = np.zeros((len(values), len(HEAD_CHANNELS) - 3), np.float32)
        channels = reorder(scores, SCORE_NAMES, ARKIT_CHANNELS, missing=0.0)
        return Clip(
            names=(*ARKIT_CHANNELS, *HEAD_CHANNELS),
            times_s=self._rows.times_s,
            values=np.concatenate([channels, head, eyes], axis=1),
        )
