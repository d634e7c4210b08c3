"""Eyes, teeth, mouth and tongue are coloured where the anatomy says."""

import numpy as np
import pytest

from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.paint.features import (
    IRIS_RADIUS,
    PUPIL_RADIUS,
    paint_eyes,
    paint_mouth,
    paint_teeth,
    paint_tongue,
)
from mien_training.rendering.paint.look import Look

LOOK = Look(eye_colour=(90, 130, 60))


@pytest.fixture(scope="module")
def frame(head_template):
    return FaceFrame.of(head_template, head_template.vertices)


def on_eye(frame, side, radius, count=64, behind=False):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    z = np.sqrt(1 - radius**2) * (-1 if behind else 1)
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(count, z)], -1)
    return (frame.eyes[side] + frame.eye_radius * ring).astype(np.float32)


@pytest.mark.parametrize("side", [0, 1])
def test_pupil_iris_and_sclera_lie_at_their_radii(frame, side):
    pupil = paint_eyes(on_eye(frame, side, PUPIL_RADIUS * 0.8), frame, LOOK)
    iris = paint_eyes(on_eye(frame, side, 0.5 * (PUPIL_RADIUS + IRIS_RADIUS)), frame, LOOK)
    ring = paint_eyes(on_eye(frame, side, IRIS_RADIUS * 0.97), frame, LOOK)
    white = paint_eyes(on_eye(frame, side, IRIS_RADIUS + 0.1), frame, LOOK)
    assert pupil.max() < 0.05
    assert iris.mean(0).argmax() == 1  # green eyes
    assert ring.mean() < iris.mean()
    assert white.mean() > 0.8
    assert iris.std(0).max() > 0.02  # spokes


def test_the_back_of_the_eye_has_no_iris(frame):
    assert paint_eyes(on_eye(frame, 0, 0.1, behind=True), frame, LOOK).min() > 0.3


def test_corners_are_pinker_than_the_white_beside_the_iris(frame):
    inner = paint_eyes(on_eye(frame, 0, 0.55), frame, LOOK).mean(0)
    outer = paint_eyes(on_eye(frame, 0, 0.99), frame, LOOK).mean(0)
    assert outer[0] - outer[1] > inner[0] - inner[1] + 0.02


def test_teeth_are_brightest_at_the_front():
    points = np.stack([np.zeros(50), np.zeros(50), np.linspace(0.05, 0.1, 50)], -1)
    colours = paint_teeth(points.astype(np.float32), LOOK)
    assert colours[-5:].mean() > 0.8
    assert colours[:5].mean() < 0.75 * colours[-5:].mean()


@pytest.mark.parametrize("paint", [paint_mouth, paint_tongue])
def test_mouth_darkens_towards_the_throat(frame, paint):
    points = np.stack([np.zeros(50), np.zeros(50), np.linspace(0.0, 0.1, 50)], -1)
    colours = paint(points.astype(np.float32), frame, LOOK)
    assert colours[:5].mean() < 0.4 * colours[-5:].mean()
    assert (colours[:, 0] > colours[:, 1]).all()  # flesh is red
