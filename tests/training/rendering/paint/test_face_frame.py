"""Anchors of a face: eyeballs fitted, brows guessed or taken, distances to outlines."""

import dataclasses

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.head.template import LandmarkMap
from mien_training.rendering.paint.face_frame import FaceFrame, polygon_distance, polyline_distance


def test_eyeballs_are_found_exactly(head_template):
    frame = FaceFrame.of(head_template, head_template.vertices)
    assert np.allclose(frame.eyes, [(0.031, 0.03, 0.075), (-0.031, 0.03, 0.075)], atol=1e-5)
    assert np.isclose(frame.eye_radius, 0.022, atol=1e-5)
    assert np.isclose(frame.unit, 0.062, atol=1e-5)
    assert np.allclose(frame.local(frame.eyes), [(0.5, 0, 0), (-0.5, 0, 0)], atol=1e-4)


def test_eyeballs_are_found_from_part_of_the_sphere(head_template):
    """Some heads only have the front of the eye."""
    back = (head_template.triangle_material == 1) & (
        head_template.vertices[head_template.triangles].mean(1)[:, 2] < 0.07
    )
    keep = ~back
    half = dataclasses.replace(
        head_template,
        triangles=head_template.triangles[keep],
        uv_triangles=head_template.uv_triangles[keep],
        triangle_material=head_template.triangle_material[keep],
    )
    assert np.allclose(
        FaceFrame.of(half, half.vertices).eyes,
        FaceFrame.of(head_template, head_template.vertices).eyes,
        atol=1e-5,
    )


def test_guessed_brows_sit_above_their_eyes_and_mirror(head_template):
    frame = FaceFrame.of(head_template, head_template.vertices)
    left, right = frame.brows
    assert (left[:, 1] > frame.eyes[0, 1] + 0.1 * frame.unit).all()
    assert (left[:, 0] > 0).all()
    assert np.allclose(left * (-1, 1), right, atol=1e-5)
    assert frame.lips is None
    assert frame.upper_lids == ()


def test_landmarks_are_used_where_a_template_has_them(head_template):
    skin = np.flatnonzero(head_template.triangle_material == 0).astype(np.int32)
    triangle = skin[np.arange(478) * 3 % len(skin)]
    marked = dataclasses.replace(
        head_template, landmarks=LandmarkMap(triangle, np.full((478, 3), 1 / 3, np.float32))
    )
    frame = FaceFrame.of(marked, marked.vertices)
    landmarks = marked.landmarks.positions(marked.vertices, marked.triangles)
    assert np.allclose(frame.lips[0], landmarks[61])
    assert np.allclose(frame.brows[1][0], landmarks[46, :2])
    assert len(frame.upper_lids) == len(frame.lower_lids) == 2


def test_polygon_distance_of_a_square():
    square = np.array([(0, 0), (2, 0), (2, 2), (0, 2)], np.float32)
    points = np.array([(1, 1), (0.5, 1), (3, 1), (3, 3), (1, 2)], np.float32)
    assert np.allclose(polygon_distance(points, square), [-1, -0.5, 1, np.sqrt(2), 0], atol=1e-6)


def test_polyline_distance_in_space():
    line = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0)], np.float32)
    points = np.array([(0.5, 0, 2), (-1, 0, 0), (1, 0.5, 0), (2, 2, 0)], np.float32)
    assert np.allclose(polyline_distance(points, line), [2, 1, 0, np.sqrt(2)], atol=1e-6)


def test_wrong_input_is_refused(head_template):
    with pytest.raises(InputError, match="vertices"):
        FaceFrame.of(head_template, head_template.vertices[:5])
    blind = dataclasses.replace(
        head_template, triangle_material=np.zeros_like(head_template.triangle_material)
    )
    with pytest.raises(InputError, match="eyeballs"):
        FaceFrame.of(blind, blind.vertices)
