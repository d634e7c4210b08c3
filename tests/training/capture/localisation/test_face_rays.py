"""The tracker's points as rays: through the right places, joined without loss."""

import numpy as np
import pytest

from mien_training.capture.localisation import locate_head
from mien_training.capture.localisation.face_rays import face_rays, joined_rays, tracked_faces


@pytest.fixture(scope="module")
def rays(seen_head, anny):
    return face_rays(tracked_faces(seen_head.images), seen_head.cameras, anny)


def test_they_pass_near_the_head_s_own_points(rays, seen_head, anny):
    cameras = np.unique(rays.camera)
    assert len(cameras) >= 2 and (rays.certainty > 0).all() and (rays.certainty <= 1).all()
    np.testing.assert_allclose(np.linalg.norm(rays.directions, axis=1), 1, atol=1e-9)
    pose = seen_head.world_from_head
    placed = rays.canonical @ pose[:3, :3].T + pose[:3, 3]
    off = np.linalg.norm(np.cross(placed - rays.origins, rays.directions), axis=1)
    assert np.median(off) < 0.012  # another person than the mean head, at 96 pixels
    found = locate_head(rays)
    turn = found.world_from_head[:3, :3].T @ pose[:3, :3]
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 12


def test_grey_pictures_do_as_well(rays, seen_head, anny):
    grey = [image.mean(-1, keepdims=True).astype(np.uint8) for image in seen_head.images]
    found = face_rays(tracked_faces(grey), seen_head.cameras, anny)
    assert len(np.unique(found.camera)) >= 2


def test_where_there_is_no_face_there_are_no_rays(seen_head, anny):
    dark = [np.zeros_like(image) for image in seen_head.images]
    assert tracked_faces(dark) == (None,) * 4
    assert len(face_rays((None,) * 4, seen_head.cameras, anny).camera) == 0


def test_joined_rays_are_both(rays, true_rays):
    both = joined_rays(true_rays, rays, 0.25)
    assert len(both.camera) == len(true_rays.camera) + len(rays.camera)
    np.testing.assert_array_equal(both.certainty[-len(rays.camera) :], 0.25 * rays.certainty)
    np.testing.assert_array_equal(both.canonical[: len(true_rays.camera)], true_rays.canonical)
