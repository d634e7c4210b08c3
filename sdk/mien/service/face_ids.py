"""Which face is which performer, also after a session was continued on another server.

A tracker numbers faces from 0. A continued session has performers from before, whose names are
numbers of an earlier tracker: a face that is found takes up the performer whose head was last seen
nearest to it, and that performer's number; further faces get numbers that were never used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mien.tracker.face_track import FaceTrack

__all__ = ["FaceIds"]


class FaceIds:
    """Renames the faces of one tracker."""

    def __init__(self, resumed: Mapping[int, NDArray[np.floating]] | None = None) -> None:
        """`resumed`: number of each performer of before -> (3,) where its head was, metres."""
        self._waiting = dict(resumed or {})
        self._next = max(self._waiting, default=-1) + 1
        self._known: dict[int, int] = {}

    def rename(self, tracks: Iterable[FaceTrack]) -> list[FaceTrack]:
        """The tracks with the session's face ids, in their order."""
        renamed = [
            replace(track, face_id=self._session_id(track))
            for track in sorted(tracks, key=lambda track: track.face_id)
        ]
        return sorted(renamed, key=lambda track: track.face_id)

    def _session_id(self, track: FaceTrack) -> int:
        if track.face_id not in self._known:
            self._known[track.face_id] = self._take(track)
        return self._known[track.face_id]

    def _take(self, track: FaceTrack) -> int:
        if self._waiting:
            nearest = min(
                self._waiting,
                key=lambda i: float(np.linalg.norm(self._waiting[i] - track.head_translation_m)),
            )
            del self._waiting[nearest]
            return nearest
        self._next += 1
        return self._next - 1
