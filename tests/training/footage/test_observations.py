"""Frames of several cameras as one table."""

import numpy as np
import pytest
import torch

from mien.errors import InputError
from mien_training.cameras.camera import look_at_camera
from mien_training.footage.observations import CameraRecording, observe

CAMERA = look_at_camera((0, 0, 1), (0, 0, 0), 0.5, 32, 24)


def recording(times, seen=None, mask=False, camera=CAMERA, value=0):
    count = len(times)
    points = np.full((count, 478, 2), np.nan, np.float32)
    points[list(range(count)) if seen is None else seen] = 7.0
    shape = (count, camera.height, camera.width)
    return CameraRecording(
        np.full((*shape, 3), value, np.uint8), np.array(times), camera,
        np.ones(shape, bool) if mask else None, points,
    )  # fmt: skip


def test_cameras_follow_each_other_and_faceless_frames_are_left_out():
    seen = observe(
        [recording([2.0, 2.1, 2.2], seen=[1, 2], value=1), recording([2.0, 2.15], value=2)]
    )
    assert seen.camera.tolist() == [0, 0, 1, 1]
    assert seen.frame.tolist() == [1, 2, 0, 1]
    assert seen.images[:, 0, 0, 0].tolist() == [1, 1, 2, 2]
    torch.testing.assert_close(seen.times_s, torch.tensor([0.1, 0.2, 0.0, 0.15]))
    assert seen.masks is None and seen.points.shape == (4, 478, 2)
    assert seen.seen_points(torch.arange(4)).confidence.min() == 1


def test_masks_come_along():
    assert observe([recording([0.0, 0.1], seen=[1], mask=True)]).masks.shape == (1, 24, 32)


def test_tables_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="one size"):
        observe([recording([0.0]), recording([0.0], camera=CAMERA.resized(16, 16))])
    with pytest.raises(InputError, match="some have none"):
        observe([recording([0.0]), recording([0.0], mask=True)])
    with pytest.raises(InputError, match="no face in any of 2 frames of 1 cameras"):
        observe([recording([0.0, 0.1], seen=[])])
    with pytest.raises(InputError, match="CameraRecording: images"):
        CameraRecording(np.zeros((1, 5, 5, 3), np.uint8), np.zeros(1), CAMERA)
    with pytest.raises(InputError, match="CameraRecording: masks"):
        CameraRecording(
            np.zeros((1, 24, 32, 3), np.uint8), np.zeros(1), CAMERA, np.ones((2, 24, 32), bool)
        )
