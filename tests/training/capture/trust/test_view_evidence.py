"""What is in sight is what faces a camera unhidden; masks take away what is covered."""

import numpy as np
import pytest

from mien.errors import InputError
from mien_training.cameras import look_at_camera, project
from mien_training.capture.trust import view_evidence


def test_a_ball_shows_the_half_that_faces(scene):
    vertices, normals, _, cameras = scene
    found = view_evidence(*scene)
    for c, camera in enumerate(cameras):
        way = camera.centre - vertices
        facing = (way * normals).sum(1) / np.linalg.norm(way, axis=1)
        clear = np.abs(facing) > 0.1  # edges of triangles stand before what is seen at a slant
        np.testing.assert_array_equal(found.in_sight[c, clear], facing[clear] > 0)
        np.testing.assert_allclose(
            found.cosine[c, found.in_sight[c]], facing[found.in_sight[c]], atol=1e-12
        )
    assert not found.cosine[~found.in_sight].any() and not found.skin[~found.in_sight].any()
    np.testing.assert_array_equal(found.views, found.in_sight.sum(0))


def test_something_in_front_hides(scene):
    vertices, normals, triangles, cameras = scene
    wall = np.array([[-0.2, -0.2, 0.5], [0.2, -0.2, 0.5], [0, 0.3, 0.5]])
    more = np.concatenate([vertices, wall])
    faces = np.concatenate([triangles, [[len(vertices), len(vertices) + 1, len(vertices) + 2]]])
    out = np.concatenate([normals, np.tile([0.0, 0, 1], (3, 1))])
    found = view_evidence(more, out, faces, cameras)
    assert not found.in_sight[1, : len(vertices)].any()
    assert found.in_sight[0, : len(vertices)].sum() > 100


def test_masks_are_asked_where_the_vertex_is(scene):
    vertices, cameras = scene[0], scene[3]
    mask = np.zeros((48, 48))
    mask[:, :24] = 0.8
    found = view_evidence(*scene, masks=[mask, None, mask])
    plain = view_evidence(*scene)
    np.testing.assert_array_equal(found.in_sight, plain.in_sight)
    np.testing.assert_array_equal(found.skin[1], plain.skin[1])
    column = project(cameras[0], vertices)[0][:, 0]
    left = column < 48
    np.testing.assert_array_equal(found.seen[0], plain.in_sight[0] & left)
    assert set(np.unique(found.skin[0])) == {0.0, 0.8}


def test_how_far_the_next_well_seen_vertex_is(scene):
    found = view_evidence(*scene)
    twice = found.views >= 2
    assert not found.away_m[twice].any() and (found.away_m[~twice] > 0).all()
    back = scene[0][:, 2].argmin()
    nearest = np.linalg.norm(scene[0][twice] - scene[0][back], axis=1).min()
    assert found.away_m[back] == pytest.approx(nearest)
    assert (view_evidence(*scene[:3], scene[3][:1]).away_m == 1).all()


def test_the_order_of_views_is_theirs_alone(scene):
    found = view_evidence(*scene)
    again = view_evidence(*scene[:3], scene[3][::-1])
    np.testing.assert_array_equal(again.cosine[::-1], found.cosine)


def test_a_camera_that_looks_elsewhere_sees_nothing(scene):
    away = look_at_camera([0, 0, 1], [0, 0, 2], 0.3, 96, 96)
    assert not view_evidence(*scene[:3], [away]).views.any()


def test_nonsense_is_refused(scene):
    vertices, normals, triangles, cameras = scene
    with pytest.raises(InputError, match="finite"):
        view_evidence(vertices * np.nan, normals, triangles, cameras)
    with pytest.raises(InputError, match="0 cameras"):
        view_evidence(vertices, normals, triangles, [])
    with pytest.raises(InputError, match="1 masks for 3"):
        view_evidence(*scene, masks=[None])
    with pytest.raises(InputError, match="mask 0"):
        view_evidence(*scene, masks=[np.full((4, 4), np.nan), None, None])
