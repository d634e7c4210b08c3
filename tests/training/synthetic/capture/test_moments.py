"""A moment is a function of its seed; its truth is that of the person it shows."""

from dataclasses import replace

import numpy as np
import pytest

from mien.channels import ARKIT_CHANNELS
from mien.errors import InputError
from mien_training.cameras import project
from mien_training.synthetic.capture import draw_moment
from mien_training.synthetic.capture.faces import FaceSpec
from mien_training.synthetic.capture.people import capture_person
from mien_training.synthetic.capture.rigs import draw_rig

ARRAYS = ("images", "part", "canonical", "normals", "visible", "vertices", "world_from_head",
          "weights")  # fmt: skip


def assert_same(one, other):
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("cameras", "believed"):
        for a, b in zip(getattr(one, name), getattr(other, name), strict=True):
            np.testing.assert_array_equal(a.K, b.K)
            np.testing.assert_array_equal(a.camera_from_world, b.camera_from_world)
    np.testing.assert_array_equal(one.scan.points, other.scan.points)
    assert (one.person, one.rig, one.seed) == (other.person, other.rig, other.seed)


def test_a_moment_is_a_function_of_its_seed_whatever_came_before(moment, capture_spec, anny):
    other = draw_moment(capture_spec, anny, 3)
    assert not np.array_equal(other.vertices, moment.vertices)
    assert_same(draw_moment(capture_spec, anny, 5), moment)


def test_everything_has_the_shape_it_should(moment, anny):
    views = len(moment.cameras)
    height, width = moment.cameras[0].height, moment.cameras[0].width
    assert moment.images.shape == (views, height, width, 3)
    assert moment.part.shape == moment.mask.shape == (views, height, width)
    assert moment.canonical.shape == moment.normals.shape == (views, height, width, 3)
    assert moment.visible.shape == (views, len(anny.vertices))
    assert moment.weights.shape == (len(ARKIT_CHANNELS),)
    assert len(moment.believed) == views


def test_the_skull_moves_rigidly_from_the_neutral(capture_spec, anny):
    """Without an expression the upper head is the person's neutral, moved by world_from_head."""
    still = replace(capture_spec, face=FaceSpec(most_shapes=0, expressions=0.0))
    moment = draw_moment(still, anny, 2)
    person = capture_person(anny, moment.person, still.person, still.wear)
    matrix = moment.world_from_head
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-9)
    skull = anny.joint_weights[:, 2] > 0.999
    moved = person.neutral[skull] @ matrix[:3, :3].T + matrix[:3, 3]
    assert skull.sum() > 1000
    np.testing.assert_allclose(moment.vertices[skull], moved, atol=1e-5)


def test_every_camera_sees_most_of_the_head_wherever_it_stands(capture_spec, anny):
    middles = []
    skin = anny.triangles[anny.triangle_material == 0]
    for seed in range(3):
        moment = draw_moment(capture_spec, anny, seed)
        middles.append(0.5 * (moment.vertices.min(0) + moment.vertices.max(0)))
        for camera in moment.cameras:
            pixels, depth = project(camera, moment.vertices)
            inside = (pixels >= 0).all(1) & (pixels <= (camera.width, camera.height)).all(1)
            a, b, c = moment.vertices[skin].transpose(1, 0, 2)
            area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
            seen = (area * inside[skin].mean(1)).sum() / area.sum()
            assert (depth > 0).all() and seen > capture_spec.least_seen - 0.03
            away = np.linalg.norm(moment.vertices - camera.centre, axis=1).min()
            assert away > 0.1
    assert np.abs(middles).max() < 0.16 and np.ptp(middles, 0).max() > 0.02


def test_believed_cameras_are_those_of_the_rig_but_for_the_errors_asked(moment, capture_spec):
    rig = draw_rig(capture_spec.rig, moment.rig)
    around = np.random.default_rng(0).uniform(-0.12, 0.12, (100, 3))
    for true, believed, drawn in zip(moment.cameras, moment.believed, rig, strict=True):
        np.testing.assert_array_equal(true.K, drawn.K)
        offset = project(believed, around)[0] - project(true, around)[0]
        rms = np.sqrt((offset**2).sum(1).mean())
        assert rms == pytest.approx(capture_spec.calibration_px, rel=0.25)


def test_a_head_that_no_camera_can_see_whole_is_an_error(capture_spec, anny):
    near = replace(capture_spec.rig, fill=(0.9, 0.9), centre_offset=0.3)
    with pytest.raises(InputError, match=r"no place where 0\.95 of the head"):
        draw_moment(replace(capture_spec, rig=near, least_seen=0.95), anny, 2)
