"""What the tracker says about one face in one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FaceTrack"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face. Left and right are the person's own."""

    face_id: int
    """Stays with a face from frame to frame."""
    presence: float
    """Confidence that there is a face, 0 to 1."""
    landmarks: Float32Array
    """(478, 3) image pixels: x right, y down, pixel centres at +0.5; z in the same unit, smaller is
    nearer to the camera, zero near the head's middle. The last ten are the irises."""
    scores: Float32Array
    """(52,) expression scores, 0 to 1, in the order of `mien.channels.SCORE_NAMES`."""
    deep: Float32Array
    """(512,) the landmark net's tensor before its last layer, (2, 2, 128) row by row."""
    deep_map: Float32Array
    """(2048,) the landmark net's last tensor of (4, 4, 128), row by row."""
    head_rotation_xyzw: Float32Array
    """(4,) head relative to the camera, y-up axes (x right in the image, z towards the camera)."""
    head_translation_m: Float32Array
    """(3,) origin of the canonical face in the same axes, metres; z is negative."""
    box: Float32Array
    """(4,) left, top, right, bottom of the landmarks, image pixels."""
