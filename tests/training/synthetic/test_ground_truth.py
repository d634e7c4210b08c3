"""Footage: as many truths as views, of the same frames."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import look_at_camera
from mien_training.footage.observations import CameraRecording
from mien_training.synthetic.ground_truth import Footage, ViewTruth

CAMERA = look_at_camera((0, 0, 1), (0, 0, 0), 0.5, 6, 4)


def view(count=3):
    return CameraRecording(np.zeros((count, 4, 6, 3), np.uint8), np.arange(count) / 30, CAMERA)


def truth(count=3):
    return ViewTruth(0.01, np.zeros((count, 2), np.float32), np.tile(np.eye(4), (count, 1, 1)))


def test_what_belongs_together_is_taken():
    names = ("jawOpen", "eyeBlinkLeft")
    footage = Footage((view(), view(5)), (truth(), truth(5)), names, 29.97)
    assert [len(v.times_s) for v in footage.views] == [3, 5]


def test_what_does_not_is_refused():
    for views, truths in (((), ()), ((view(),), ()), ((view(),), (truth(), truth()))):
        with pytest.raises(InputError, match="as many"):
            Footage(views, truths, ("a", "b"), 30.0)
    with pytest.raises(InputError, match=r"weights \(4, 2\), expected \(3, 2\)"):
        Footage((view(3),), (truth(4),), ("a", "b"), 30.0)
    with pytest.raises(InputError, match="ViewTruth"):
        ViewTruth(0.0, np.zeros((3, 2), np.float32), np.zeros((2, 4, 4)))
