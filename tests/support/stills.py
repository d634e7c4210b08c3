"""Three images of one moment of a synthetic person."""

from __future__ import annotations

import numpy as np

from mien.clip import Clip
from mien_training.footage.observations import CameraRecording
from mien_training.synthetic.person import SyntheticPerson, record_views


def three_stills(person: SyntheticPerson, size: int = 256, seed: int = 1) -> list[CameraRecording]:
    """Frontal and from both sides, with masks; not tracked."""
    still = Clip(names=("jawOpen",), times_s=np.arange(3) / 30, values=np.zeros((3, 1), np.float32))
    footage = record_views(person, still, 3, 30.0, (0.0, 0.0, 0.0), size, seed)
    return [
        CameraRecording(
            v.images[:1], v.times_s[:1], v.camera, None if v.masks is None else v.masks[:1]
        )
        for v in footage.views
    ]
