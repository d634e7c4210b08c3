"""Rays through the shell of a sphere: their lengths are those of geometry."""

import numpy as np
import pytest
from support.rigs import CENTRE_M, sphere_rig
from support.volume_avatars import sphere_volume

pytest.importorskip("warp", reason="warp-lang is not installed (extra `avatar`)")

from mien.avatar import Pinhole
from mien.avatar.volume.shell_rays import shell_rays
from mien.errors import InputError

RIG = sphere_rig()
MODEL = sphere_volume(RIG).model
AWAY_M, SIDE = 0.6, 40
POSE = np.diag([1.0, -1, -1, 1])
POSE[:3, 3] = np.array([0, 0, AWAY_M]) - POSE[:3, :3] @ CENTRE_M
CAMERA = Pinhole(np.array([[80.0, 0, SIDE / 2], [0, 80, SIDE / 2], [0, 0, 1]]), POSE)


def distance_to_sphere(rays, radius_m):
    """(R,) along the rays to a sphere's front; nan where it is missed."""
    to = np.asarray(CENTRE_M) - rays.origin
    along = rays.directions @ to
    square = radius_m**2 - (to @ to - along**2)
    return along - np.sqrt(np.where(square >= 0, square, np.nan))


def test_they_begin_before_the_skin_and_end_behind_it():
    rays = shell_rays(MODEL, RIG.vertices, CAMERA, SIDE, SIDE)
    radius = np.linalg.norm(RIG.vertices - CENTRE_M, axis=1)
    assert np.ptp(radius) < 1e-3
    outer = distance_to_sphere(rays, radius.max() + 0.02)
    skin = distance_to_sphere(rays, radius.max())
    middle = np.hypot(rays.pixels % SIDE - 20, rays.pixels // SIDE - 20) < 8
    # The mesh is a coarse polyhedron: some millimetres within its sphere.
    assert (np.abs(rays.near - outer)[middle] < 0.008).all()
    assert (np.abs(rays.far - MODEL.below_m - skin)[middle] < 0.008).all()
    assert (rays.far > rays.near).all() and len(rays) < SIDE**2
    np.testing.assert_allclose(np.linalg.norm(rays.directions, axis=1), 1, atol=1e-6)
    beyond = np.isnan(skin) & ~np.isnan(distance_to_sphere(rays, radius.max() + 0.01))
    assert beyond.sum() > 10  # rays through the shell alone


def test_pixels_are_numbered_by_row():
    wide = shell_rays(MODEL, RIG.vertices, CAMERA, 60, SIDE)
    square = shell_rays(MODEL, RIG.vertices, CAMERA, SIDE, SIDE)
    row, column = np.divmod(wide.pixels, 60)
    kept = column < SIDE
    np.testing.assert_array_equal((row * SIDE + column)[kept], square.pixels)


@pytest.mark.parametrize(("width", "height"), [(0, 8), (8, 5000)])
def test_images_without_end_are_refused(width, height):
    with pytest.raises(InputError, match=r"expected 1\.\.4096 each way"):
        shell_rays(MODEL, RIG.vertices, CAMERA, width, height)


def test_cameras_with_skew_are_refused():
    skewed = CAMERA.K.copy()
    skewed[0, 1] = 3.0
    with pytest.raises(InputError, match="without skew"):
        shell_rays(MODEL, RIG.vertices, Pinhole(skewed, POSE), 8, 8)
