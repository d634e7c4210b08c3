"""One face in one image: crop, nets, landmarks back in the image, pose. No detection, no memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.onnx_session import Providers
from mien.tracker.face_track import FaceTrack
from mien.tracker.nets import CROP, load_nets
from mien.tracker.pose import head_pose
from mien.tracker.roi import RotatedBox, crop

__all__ = ["MIN_PRESENCE", "FaceNets", "check_image"]

MIN_PRESENCE = 0.5
"""Below it there is no face in the crop, unless told otherwise."""


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise InputError unless `image` is (H, W, 3) uint8 with at least one pixel."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise InputError(
            f"image has shape {image.shape} and type {image.dtype}, expected (H, W, 3) uint8 RGB"
        )


class FaceNets:
    """The landmark and score nets on given crops, for tracking and for training on renders."""

    def __init__(
        self,
        models: Path | None = None,
        threads: int = 1,
        focal_px: float | None = None,
        providers: Providers = None,
        min_presence: float = MIN_PRESENCE,
    ) -> None:
        """`focal_px` is the camera's focal length; None assumes the image's longer side.

        Raises InputError for a `min_presence` outside 0 to 1, and as `load_nets` does.
        """
        if not 0 <= min_presence <= 1:
            raise InputError(f"min_presence is {min_presence}, expected 0 to 1")
        self.nets = load_nets(models, threads, providers)
        self._focal_px = focal_px
        self._min_presence = min_presence

    def landmarks_in(
        self, image: NDArray[np.uint8], box: RotatedBox, face_id: int = 0
    ) -> FaceTrack | None:
        """The face in `box` of `image` (H, W, 3) uint8 RGB; None where presence is too low."""
        check_image(image)
        answer = self.nets.find_landmarks(crop(image, box, CROP)[None])[0]
        if answer.presence < self._min_presence:
            return None
        # Scores see the face as the crop has it, eyes level, so that roll does not change them.
        scores = self.nets.score(answer.landmarks[None])[0]
        landmarks = np.empty((478, 3), np.float32)
        matrix = box.image_from_unit
        landmarks[:, :2] = answer.landmarks[:, :2] / CROP @ matrix[:, :2].T + matrix[:, 2]
        landmarks[:, 2] = answer.landmarks[:, 2] * (box.size / CROP)
        height, width = image.shape[:2]
        pose = head_pose(landmarks, width, height, self._focal_px)
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        return FaceTrack(
            face_id=face_id,
            presence=answer.presence,
            landmarks=landmarks,
            scores=scores,
            deep=answer.deep,
            deep_map=answer.deep_map,
            head_rotation_xyzw=pose.rotation_xyzw,
            head_translation_m=pose.translation_m,
            box=np.concatenate([low, high]),
        )
