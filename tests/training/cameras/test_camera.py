"""Pinhole cameras: the pixel convention, distortion, and that all paths to a pixel agree."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras.camera import Camera, clip_from_camera, look_at_camera, project


def camera(**changes):
    values = dict(
        K=np.array([[500.0, 0, 320], [0, 480.0, 200], [0, 0, 1]]),
        camera_from_world=np.eye(4),
        width=640,
        height=400,
    )
    return Camera(**(values | changes))


def test_principal_point_and_axes():
    pixels, depth = project(camera(), [(0, 0, 2.0), (0.1, 0, 2.0), (0, 0.1, 2.0)])
    assert np.allclose(pixels, [(320, 200), (345, 200), (320, 224)])  # x right, y down
    assert np.allclose(depth, 2.0)


def test_distortion_follows_opencv():
    x, y, k1, k2 = 0.3, -0.2, -0.25, 0.06
    r2 = x * x + y * y
    factor = 1 + k1 * r2 + k2 * r2**2
    pixels, _ = project(camera(k1=k1, k2=k2), (x * 1.5, y * 1.5, 1.5))
    assert np.allclose(pixels, (320 + 500 * x * factor, 200 + 480 * y * factor))


def test_behind_the_camera_has_no_image():
    pixels, depth = project(camera(), [(0.1, 0, -1.0), (0, 0, 0)])
    assert np.isnan(pixels).all()
    assert (depth <= 0).all()


def test_clip_matrix_gives_the_same_pixels():
    cam = look_at_camera((0.3, 0.2, 1.1), (0.0, 0.1, 0.0), 0.5, 200, 120)
    points = np.random.default_rng(0).normal(0, 0.1, (50, 3))
    seen = points @ cam.camera_from_world[:3, :3].T + cam.camera_from_world[:3, 3]
    clip = np.c_[seen, np.ones(50)] @ clip_from_camera(cam, 0.1, 10.0).T
    ndc = clip[:, :3] / clip[:, 3:]
    pixels, depth = project(cam, points)
    assert np.allclose((0.5 * ndc[:, :2] + 0.5) * (200, 120), pixels)
    assert np.allclose(clip[:, 3], depth)
    assert (np.abs(ndc[:, 2]) < 1).all()
    ends = np.array([[0, 0, 0.1, 1], [0, 0, 10.0, 1]]) @ clip_from_camera(cam, 0.1, 10.0).T
    assert np.allclose(ends[:, 2] / ends[:, 3], (-1, 1))


def test_look_at_centres_its_target_upright():
    cam = look_at_camera((1.0, 0.5, 2.0), (0.1, 0.2, 0.3), 0.6, 320, 240)
    rotation = cam.camera_from_world[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.isclose(np.linalg.det(rotation), 1)
    assert np.allclose(cam.centre, (1.0, 0.5, 2.0))
    assert np.allclose(project(cam, (0.1, 0.2, 0.3))[0], (160, 120))
    above, _ = project(cam, (0.1, 0.25, 0.3))
    assert above[1] < 120
    assert np.isclose(above[0], 160)


def test_field_of_view_spans_the_height():
    cam = look_at_camera((0, 0, 3), (0, 0, 0), 0.8, 100, 60)
    top, _ = project(cam, (0, 3 * np.tan(0.4), 0))
    assert np.allclose(top, (50, 0))


def test_resized_keeps_the_view():
    cam = look_at_camera((0, 0.3, 1), (0, 0, 0), 0.5, 100, 60)
    point = (0.05, -0.07, 0.02)
    assert np.allclose(project(cam.resized(300, 120), point)[0], project(cam, point)[0] * (3, 2))


@pytest.mark.parametrize(
    "changes",
    [
        {"K": np.eye(2)},
        {"camera_from_world": np.eye(3)},
        {"width": 0},
        {"K": np.full((3, 3), np.nan)},
        {"K": np.diag([-1.0, 1, 1])},
    ],
)
def test_impossible_cameras_are_refused(changes):
    with pytest.raises(InputError, match="Camera"):
        camera(**changes)


def test_degenerate_views_are_refused():
    with pytest.raises(InputError, match="one line"):
        look_at_camera((0, 1, 0), (0, 0, 0), 0.5, 10, 10)
    with pytest.raises(InputError, match="vertical_fov"):
        look_at_camera((0, 0, 1), (0, 0, 0), 4.0, 10, 10)
    with pytest.raises(InputError, match="near"):
        clip_from_camera(camera(), 1.0, 0.5)
