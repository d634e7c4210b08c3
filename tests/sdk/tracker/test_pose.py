"""Similarity and head pose: exact on exact input, signs as the house conventions say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rotation import matrix_from_quaternion, quaternion_from_rotation_vector
from mien.tracker.canonical import METRES_PER_UNIT, canonical_vertices
from mien.tracker.landmark_sets import RIGID_POINTS
from mien.tracker.pose import align_to_canonical, assumed_focal_px, head_pose, similarity

WIDTH, HEIGHT = 640, 480


def seen(rotation_vector: NDArray[np.float64], translation_m: NDArray[np.float64]) -> np.ndarray:
    """(478, 3) landmarks of the posed canonical face: scaled orthographic, as the net gives them.

    The irises, which the canonical face lacks, repeat the eyes' corners.
    """
    model = canonical_vertices()[[*range(468), *[33] * 5, *[263] * 5]]
    focal = assumed_focal_px(WIDTH, HEIGHT)
    rotation = matrix_from_quaternion(quaternion_from_rotation_vector(rotation_vector))
    scale = focal / -translation_m[2]
    centre = np.array([WIDTH / 2, HEIGHT / 2, 0.0])
    offset = np.array([translation_m[0], -translation_m[1], 0.0]) * scale
    turned = model @ rotation.T * METRES_PER_UNIT * scale
    return turned * (1, -1, -1) + centre + offset


angles = st.lists(st.floats(-0.8, 0.8), min_size=3, max_size=3).map(np.array)


@settings(max_examples=30, deadline=None)
@given(angles, st.floats(0.1, 50.0))
def test_similarity_recovers_what_was_applied(vector: NDArray[np.float64], scale: float) -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    rotation = matrix_from_quaternion(quaternion_from_rotation_vector(vector))
    found = similarity(points, scale * points @ rotation.T + (1, -2, 3))
    assert found[0] == pytest.approx(scale)
    np.testing.assert_allclose(found[1], rotation, atol=1e-9)
    np.testing.assert_allclose(found[2], (1, -2, 3), atol=1e-9 * scale + 1e-9)


def test_similarity_never_mirrors() -> None:
    points = np.random.default_rng(1).normal(size=(20, 3))
    assert np.linalg.det(similarity(points, points * (-1, 1, 1))[1]) == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(angles)
def test_pose_of_a_face_in_the_middle_is_exact(vector: NDArray[np.float64]) -> None:
    pose = head_pose(seen(vector, np.array([0.0, 0.0, -0.6])), WIDTH, HEIGHT)
    expected = quaternion_from_rotation_vector(vector)
    assert abs(float(expected @ pose.rotation_xyzw)) == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(pose.translation_m, [0, 0, -0.6], atol=1e-5)


def test_a_face_beside_the_middle_that_looks_along_the_line_of_sight_is_turned() -> None:
    # It looks straight into the camera as seen from where it is, so it is turned to the left of
    # the image by the angle between its line of sight and the camera's axis.
    pose = head_pose(seen(np.zeros(3), np.array([0.3, 0.0, -0.6])), WIDTH, HEIGHT)
    forward = matrix_from_quaternion(pose.rotation_xyzw) @ (0.0, 0.0, 1.0)
    np.testing.assert_allclose(forward, np.array([-0.3, 0, 0.6]) / np.hypot(0.3, 0.6), atol=1e-6)
    np.testing.assert_allclose(pose.translation_m, [0.3, 0, -0.6], atol=1e-5)


def test_the_focal_length_sets_the_distance() -> None:
    landmarks = seen(np.zeros(3), np.array([0.0, 0.0, -0.6]))
    near, far = (head_pose(landmarks, WIDTH, HEIGHT, focal_px=f) for f in (640.0, 1280.0))
    assert far.translation_m[2] == pytest.approx(2 * near.translation_m[2])
    np.testing.assert_allclose(near.rotation_xyzw, far.rotation_xyzw, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(angles)
def test_aligned_landmarks_are_the_canonical_face_from_any_pose(
    vector: NDArray[np.float64],
) -> None:
    aligned = align_to_canonical(seen(vector, np.array([0.1, -0.05, -0.9])))
    np.testing.assert_allclose(aligned[:468], canonical_vertices(), atol=1e-6)


def test_the_canonical_face_is_symmetric_and_looks_along_z() -> None:
    vertices = canonical_vertices()
    assert vertices.shape == (468, 3)
    assert vertices[1, 2] > vertices[[234, 454], 2].max()  # nose before cheeks
    assert vertices[10, 1] > vertices[152, 1]  # forehead above chin
    np.testing.assert_allclose(vertices[33] * (-1, 1, 1), vertices[263], atol=1e-6)
    rigid = vertices[RIGID_POINTS]
    mirrored = np.abs(rigid[:, None] - rigid[None] * (-1, 1, 1)).max(axis=2).min(axis=1)
    assert mirrored.max() < 1e-6  # as many rigid points on either side


def test_landmarks_that_are_not_finite_are_refused() -> None:
    landmarks = seen(np.zeros(3), np.array([0.0, 0.0, -0.6]))
    landmarks[33, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        head_pose(landmarks, WIDTH, HEIGHT)
