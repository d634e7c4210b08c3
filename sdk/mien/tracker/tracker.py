"""Faces through a video: found once, then followed from their own landmarks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.onnx_session import Providers
from mien.tracker.detector import Detection, FaceDetector, overlap
from mien.tracker.face_nets import MIN_PRESENCE, FaceNets, check_image
from mien.tracker.face_track import FaceTrack
from mien.tracker.roi import RotatedBox, box_around_landmarks

__all__ = ["Tracker"]

_SAME_FACE = 0.5
"""Overlap (intersection over union of landmark boxes) from which two tracks are one face."""
_SAME_PLACE = 0.1
"""Overlap from which a face found again is taken for the one that was lost there."""
_REMEMBERED_FRAMES = 60
_SMALL_SEARCH_EVERY = 10
"""The search on tiles costs tens of milliseconds: without success it rests this many frames."""


@dataclass(frozen=True, eq=False)
class _Lost:
    box: NDArray[np.float32]
    frame: int


class Tracker:
    """Tracks up to `max_faces` faces; one Tracker per video.

    A face is followed from its landmarks in the previous frame (no detection, so no jump). When its
    presence falls below `min_presence` it is looked for again in the whole image and, while no face
    at all is known, on tiles, which find much smaller ones. It gets its old `face_id` where it
    reappears near its last place within 60 frames.

    Of rendered faces in random places all are found from 8 % of the image's longer side on (the
    longer side of their landmarks: 102 of 1280 pixels), nine in ten from 6 %, four in five from
    3.5 %, and none at 2.5 %: crop first (docs/results/tracker_limits.md).

    >>> tracker = Tracker(max_faces=2, min_presence=0.8)
    >>> [round(face.presence, 1) for face in tracker.track(ASTRONAUT)]
    [1.0]
    """

    def __init__(
        self,
        max_faces: int = 1,
        models: Path | None = None,
        threads: int = 1,
        focal_px: float | None = None,
        providers: Providers = None,
        min_presence: float = MIN_PRESENCE,
        min_face: float = 0.0,
    ) -> None:
        """`models`: folder of nets, None: mien's own; `focal_px`: None assumes the longer side.

        `threads` and `providers` as `mien.load` takes them. What looks like a face with less than
        `min_presence` (0 to 1), or is smaller than `min_face` times the image (the longer side of
        its landmarks over the image's), is not tracked. Raises InputError for values out of range,
        MissingExtraError for a provider that is not installed.
        """
        if max_faces < 1:
            raise InputError(f"Tracker: max_faces is {max_faces}, expected 1 or more")
        if not 0 <= min_face <= 1:
            raise InputError(f"Tracker: min_face is {min_face}, expected 0 to 1")
        self._max_faces = max_faces
        self._min_face = min_face
        self._faces = FaceNets(models, threads, focal_px, providers, min_presence)
        self._detector = FaceDetector(self._faces.nets.detect)
        self.reset()

    def reset(self) -> None:
        """Forget all faces, as before the first frame.

        >>> tracker = Tracker()
        >>> face = tracker.track(ASTRONAUT)[0]
        >>> tracker.reset()  # the next image is of another video
        >>> tracker.track(ASTRONAUT)[0].face_id
        0
        """
        self._frame = -1
        self._next_id = 0
        self._tracks: list[FaceTrack] = []
        self._lost: dict[int, _Lost] = {}
        self._next_small_search = 0
        self._size: tuple[int, int] | None = None

    def track(self, image: NDArray[np.uint8], time_s: float | None = None) -> list[FaceTrack]:
        """The faces in the next image (H, W, 3) uint8 RGB, oldest first; [] where there is none.

        `time_s` is taken for symmetry with video frames; tracking itself counts frames. An image
        of another size than the last one starts afresh, face ids going on.

        >>> face = Tracker().track(ASTRONAUT)[0]
        >>> face.landmarks.shape, face.scores.shape
        ((478, 3), (52,))
        """
        check_image(image)
        self._frame += 1
        if self._size not in (None, image.shape[:2]):
            self._tracks = []
        self._size = (image.shape[0], image.shape[1])
        tracks: list[FaceTrack] = []
        for track in self._tracks:
            seen = self._follow(image, track)
            if seen is not None and not _known(seen, tracks):
                tracks.append(seen)
            else:
                self._lost[track.face_id] = _Lost(track.box, self._frame)
        if len(tracks) < self._max_faces:
            self._find(image, tracks)
        self._tracks = tracks
        return list(tracks)

    def _follow(self, image: NDArray[np.uint8], track: FaceTrack) -> FaceTrack | None:
        try:
            box = box_around_landmarks(track.landmarks)
        except InputError:  # landmarks without extent: no face
            return None
        seen = self._landmarks_in(image, box, track.face_id)
        if seen is None:
            return None
        side = float((seen.box[2:] - seen.box[:2]).max())
        return seen if side >= self._min_face * max(image.shape[:2]) else None

    def _landmarks_in(
        self, image: NDArray[np.uint8], box: RotatedBox, face_id: int = 0
    ) -> FaceTrack | None:
        try:
            return self._faces.landmarks_in(image, box, face_id)
        except InputError:  # far larger than the image, or without a pose: no face
            return None

    def _find(self, image: NDArray[np.uint8], tracks: list[FaceTrack]) -> None:
        """Append newly found faces to `tracks` until there are enough."""
        found = self._confirm(image, self._detector.find(image), tracks)
        if found or tracks or self._frame < self._next_small_search:
            return
        if not self._confirm(image, self._detector.find_small(image), tracks):
            self._next_small_search = self._frame + _SMALL_SEARCH_EVERY

    def _confirm(
        self, image: NDArray[np.uint8], detections: list[Detection], tracks: list[FaceTrack]
    ) -> bool:
        """Look at detections with the landmark net; keep those that are faces and new."""
        before = len(tracks)
        for detection in detections:
            if len(tracks) == self._max_faces:
                break
            first = self._landmarks_in(image, detection.roi)
            # A second pass, from the first one's landmarks, sees the face as tracking will.
            seen = None if first is None else self._follow(image, first)
            if seen is not None and not _known(seen, tracks):
                tracks.append(replace(seen, face_id=self._identify(seen)))
        return len(tracks) > before

    def _identify(self, seen: FaceTrack) -> int:
        """The id of the face that was lost here, or a new one."""
        self._lost = {
            face_id: lost
            for face_id, lost in self._lost.items()
            if self._frame - lost.frame <= _REMEMBERED_FRAMES
        }
        for face_id, lost in self._lost.items():
            if overlap(lost.box, seen.box[None])[0] > _SAME_PLACE:
                del self._lost[face_id]
                return face_id
        self._next_id += 1
        return self._next_id - 1


def _known(seen: FaceTrack, tracks: list[FaceTrack]) -> bool:
    boxes = np.array([track.box for track in tracks]).reshape(-1, 4)
    return bool((overlap(seen.box, boxes) > _SAME_FACE).any())
