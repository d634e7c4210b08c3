"""Heads are found and fitted wherever they are, by a net that reads rightly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support.readings import perfect_read

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture import first_mesh as room
from mien_training.capture.first_mesh import (
    FirstMeshConfig,
    first_mesh,
    placed_mean_head,
    polished_by,
)
from mien_training.capture.localisation import HeadPose
from mien_training.capture.morphable import sampled_heads
from mien_training.capture.polish import QUICK_POLISH

MAPS_ALONE = FirstMeshConfig(side=64, rays_per_view=200, face_weight=0, polish=None)


@pytest.fixture(scope="module")
def heads(anny):
    return sampled_heads(anny, range(30), 20)


def fitted(monkeypatch, anny, moment, heads, located=None, config=MAPS_ALONE):
    monkeypatch.setattr(room, "read_views", perfect_read(anny, moment))
    return first_mesh(None, moment.images, moment.cameras, anny, heads, config, located)


def turned(moment, turn):
    """The same moment in a world that has been turned about its origin."""
    pose = np.eye(4)
    pose[:3, :3] = turn
    cameras = tuple(
        Camera(c.K, c.camera_from_world @ pose.T, c.width, c.height, c.k1, c.k2)
        for c in moment.cameras
    )
    return replace(
        moment, cameras=cameras, vertices=(moment.vertices @ turn.T).astype(np.float32),
        world_from_head=pose @ moment.world_from_head,
    )  # fmt: skip


def error_m(vertices, moment):
    return float(np.linalg.norm(vertices - moment.vertices, axis=1).mean())


def test_a_head_is_found_and_fitting_comes_nearer(monkeypatch, anny, seen_head, heads):
    found = fitted(monkeypatch, anny, seen_head, heads)
    assert not found.located.failure
    off = found.located.world_from_head[:3, :3].T @ seen_head.world_from_head[:3, :3]
    assert np.degrees(Rotation.from_matrix(off).magnitude()) < 6
    mean = error_m(placed_mean_head(anny, found.located.world_from_mean), seen_head)
    assert error_m(found.fit.vertices, seen_head) < min(mean, 0.012)


@pytest.mark.parametrize("axis", [[0.0, 0.0, 1.5], [1.0, 1.0, 0.0]])
def test_the_world_s_axes_do_not_matter(monkeypatch, anny, seen_head, heads, axis):
    moment = turned(seen_head, Rotation.from_rotvec(axis).as_matrix())
    found = fitted(monkeypatch, anny, moment, heads)
    assert error_m(found.fit.vertices, moment) < 0.012


def test_the_tracker_s_points_locate_a_face(monkeypatch, anny, seen_head, heads):
    def nobody(*_):
        raise AssertionError("the maps were asked")

    monkeypatch.setattr(room, "find_head", nobody)
    config = replace(MAPS_ALONE, face_weight=0.3)
    found = fitted(monkeypatch, anny, seen_head, heads, None, config)
    assert (found.rays.camera >= 0).sum() > 800 and not found.located.failure
    assert error_m(found.fit.vertices, seen_head) < 0.012
    with pytest.raises(InputError, match="face_weight"):
        replace(config, face_weight=2)


def test_a_known_pose_is_where_it_starts(monkeypatch, anny, seen_head, heads):
    known = HeadPose.given(seen_head.world_from_head, 4)
    found = fitted(monkeypatch, anny, seen_head, heads, known)
    assert found.located is known
    assert error_m(found.fit.vertices, seen_head) < 0.012


def test_where_no_camera_sees_skin_that_is_said(monkeypatch, anny, seen_head, heads):
    gone = replace(seen_head, vertices=seen_head.vertices + np.float32(50))
    with pytest.raises(InputError, match="see skin"):
        fitted(monkeypatch, anny, gone, heads)
    with pytest.raises(InputError, match="rays_per_view 10"):
        FirstMeshConfig(rays_per_view=10)


def test_where_one_view_shows_a_face_the_maps_locate_it(monkeypatch, anny, seen_head, heads):
    faces = room.tracked_faces(seen_head.images)
    seen = [n for n, face in enumerate(faces) if face is not None]
    wrong = replace(faces[seen[1]], landmarks=faces[seen[1]].landmarks + np.float32([6, 4, 0]))
    few = tuple(
        face if n == seen[0] else wrong if n == seen[1] else None for n, face in enumerate(faces)
    )
    monkeypatch.setattr(room, "tracked_faces", lambda images: few)
    config = replace(MAPS_ALONE, face_weight=0.3)
    found = fitted(monkeypatch, anny, seen_head, heads, None, config)
    # Two views alone, one of them wrong, are some centimetres off.
    assert error_m(found.fit.vertices, seen_head) < 0.012


def test_pictures_move_what_maps_have_wrong(monkeypatch, anny, scene, heads):
    found = fitted(monkeypatch, anny, scene.moment, heads)
    assert found.polished is None and found.vertices is found.fit.vertices
    start = scene.start.astype(np.float32)
    polished = polished_by(found, start, scene.images, scene.cameras, anny, QUICK_POLISH)
    assert scene.error_mm(polished.vertices) < 0.75 * scene.error_mm(start)
    assert replace(found, polished=polished).vertices is polished.vertices


def test_two_cameras_must_see_enough_of_it(monkeypatch, anny, seen_head, heads):
    found = fitted(monkeypatch, anny, seen_head, heads)
    far = found.fit.vertices + np.float32(50)
    assert polished_by(found, far, seen_head.images, seen_head.cameras, anny, QUICK_POLISH) is None
